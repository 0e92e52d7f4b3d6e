// fewbit_pkg itself: every name means something to the library, codes are shown and ordered as they should be, packed vectors and
// buffers carry what they are given, and a scoreboard objects to what is wrong.
module package_tb;
    import fewbit_pkg::*;

    fewbit_scoreboard sb;

    // What changes something is called in a statement of its own: simulators may evaluate a condition's parts in any order.
    function automatic void is(bit right, string what);
        void'(sb.check(right, what));
    endfunction

    // A policy, a format and an accumulator of every name.
    function automatic void names();
        fewbit_rounding rounding;
        fewbit_overflow overflow;
        fewbit_policy policy;
        fewbit_accumulator acc;
        chandle unknown;
        rounding = rounding.first();
        for (int i = 0; i < rounding.num(); i++) begin
            policy = new({fewbit_rounding_name(rounding), ",saturate"});
            acc = new({"e5m10-", fewbit_rounding_name(rounding)});
            is(policy.handle != null && acc.handle != null, fewbit_rounding_name(rounding));
            policy.close();
            acc.close();
            rounding = rounding.next();
        end
        overflow = overflow.first();
        for (int i = 0; i < overflow.num(); i++) begin
            policy = new({"ties-even,", fewbit_overflow_name(overflow)});
            is(policy.handle != null, fewbit_overflow_name(overflow));
            policy.close();
            overflow = overflow.next();
        end
        is(fewbit_register_text(12, 1'b1) == "int12-sat" && fewbit_register_text(9, 1'b0) == "int9-wrap", "register texts");
        unknown = fewbit_format_new("e4m3fx");
        is(unknown == null, "an unknown name");
        is(fewbit_last_error() != "", "an unknown name is an error");
    endfunction

    function automatic void flags();
        int unsigned status;
        is(flags_str(0) == "none", "no flags");
        is(flags_str(FEWBIT_OF | FEWBIT_NX) == "OF|NX", "two flags");
        is(flags_str(31) == "NV|DZ|OF|UF|NX", "all flags");
        status = fewbit_machine_push(null, 1);
        is(flags_str(status) == {"error: ", fewbit_last_error()}, "an error");
    endfunction

    function automatic void formats();
        fewbit_format e4m3, int8, scale, posit;
        fewbit_policy nearest;
        longint unsigned code;
        int unsigned status;
        real x;
        e4m3 = new("e4m3fn");
        int8 = new("int8");
        scale = new("e8m0fnu");
        posit = new("posit8");
        nearest = new("ties-even,saturate");
        is(e4m3.bits == 8 && e4m3.name == "e4m3fn", "bits and name");
        // 3.1 lies between 3 and 3.25.
        status = fewbit_encode(e4m3.handle, nearest.handle, 3.1, 0, code);
        is(status == FEWBIT_NX && code == 64'h44 && e4m3.value(code) == 3.0, "3.1 in e4m3fn");
        is(e4m3.show(64'h44) == "0x44 (3)", "a code with its value");
        is(fewbit_decode(e4m3.handle, 64'h44, x) == FEWBIT_NONE, "a code that e4m3fn has");
        is(x == 3.0, "its value");
        is(fewbit_decode(e4m3.handle, 64'h100, x) >= FEWBIT_ERROR, "a code that e4m3fn has not");
        // Neighbours are 1 apart, across zero too.
        is(e4m3.place(64'h01) - e4m3.place(64'h81) == 2 && e4m3.place(64'h80) == 0, "order of floats");
        is(int8.place(64'hff) == -1 && int8.place(64'h80) == -128 && int8.place(64'h7f) == 127, "order of integers");
        is(scale.place(64'hfe) == 254, "order of scales");
        is(posit.place(64'hff) == -1 && posit.place(64'h01) == 1, "order of posits");
    endfunction

    function automatic void machines();
        fewbit_accumulator acc;
        fewbit_machine one, other;
        fewbit_array array;
        fewbit_buffer column, row;
        fewbit_lanes64 products;
        fewbit_lanes32 left, up;
        acc = new("int8-sat/3,int10-wrap");
        one = fewbit_machine::of_products(acc, 8);
        is(acc.stages == 2, "stages");
        products = '0;
        products[0] = 64'd100;
        products[1] = 64'd100;
        products[2] = -64'sd1;
        is(one.push_group(products, 3) == FEWBIT_OF, "100 + 100 in 8 bits");
        is(one.value() == 126 && one.events(0) == 1 && one.events(1) == 0 && one.stage(0) == 0, "127 - 1");
        is(one.steps() == {"stage 0, k 0: 0 + 100 = 100 -> 100\n", "stage 0, k 1: 100 + 100 = 200 -> 127  overflow\n",
                           "stage 0, k 2: 127 + -1 = 126 -> 126\n", "stage 1, k 2: 0 + 126 = 126 -> 126\n"}, one.steps());
        one.reset(5);
        is(one.push(-2) == FEWBIT_NONE, "5 and -2");
        is(one.drain() == FEWBIT_NONE, "drained");
        is(one.value() == 3, "5 - 2");
        // An array of two machines, from packed vectors and from buffers.
        array = new(acc, 2, 1);
        left = '0;
        up = '0;
        left[0] = 32'd3;
        left[1] = -32'sd4;
        up[0] = 32'd5;
        array.push_outer(left, up);
        column = new(2);
        row = new(1);
        column.set(0, 64'sd3);
        column.set(1, -64'sd4);
        row.set(0, 64'sd5);
        array.push_buffers(column, row);
        array.drain();
        is(array.value(0, 0) == 30 && array.value(1, 0) == -40 && column.get(1) == -64'sd4, "two outer products");
        is(array.events(0, 1, 0) == 0, "no events");
        other = fewbit_machine::of_products(acc);
        is(other.steps() == "", "nothing is recorded unasked");
        one.close();
        other.close();
        array.close();
        column.close();
        row.close();
        acc.close();
    endfunction

    function automatic void scoreboards();
        fewbit_scoreboard inner;
        fewbit_format e4m3;
        int corner;
        e4m3 = new("e4m3fn");
        inner = new("nothing");
        is(!inner.passed(), "nothing compared is not passed");
        inner.agree();
        is(inner.passed(), "one comparison");
        corner = inner.need("a corner");
        is(!inner.passed() && inner.missed() == 1, "a corner that was not hit is not passed");
        inner.hit(corner, 1'b0);
        is(!inner.passed(), "what did not happen is no hit");
        inner.hit(corner);
        is(inner.passed() && inner.hits_of(corner) == 1, "a hit");
        is(!inner.check_value(3, 4, "a"), "another value");
        is(!inner.passed(), "another value is not passed");
        inner = new("codes", 1);
        is(inner.check_code(e4m3, 64'h44, 64'h44, "same"), "the same code");
        is(inner.check_code(e4m3, 64'h44, 64'h44, "same", FEWBIT_NX, FEWBIT_NX), "the same flags");
        is(!inner.check_code(e4m3, 64'h44, 64'h44, "flags", FEWBIT_NX, FEWBIT_NONE), "other flags");
        inner.explain("told\nin two lines\n");
        is(!inner.check_code(e4m3, 64'h45, 64'h44, "code"), "another code");
        inner.explain("not kept");
        is(inner.compared == 4 && inner.mismatches == 2 && !inner.wants_more() && !inner.passed(), "counts");
        inner.report();
    endfunction

    function automatic void stimuli();
        fewbit_stimulus a, b;
        int x;
        a = new(7);
        b = new(7);
        for (int i = 0; i < 1000; i++) begin
            x = a.between(-3, 3);
            is(x >= -3 && x <= 3 && x == b.between(-3, 3), "the same numbers of the same seed");
        end
        is(a.bits() == fewbit_random_bits(7, 1000), "counted from 0");
    endfunction

    initial begin
        fewbit_start();
        sb = new("package");
        names();
        flags();
        formats();
        machines();
        scoreboards();
        stimuli();
        sb.finish();
    end
endmodule
