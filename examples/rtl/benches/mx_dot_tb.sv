// mx_dot beside a machine of elements under scales: the register's code and the flags after every block, in its cycle.
module mx_dot_tb #(
    parameter int LANES    = 32,
    parameter int XE       = 4,
    parameter int XM       = 3,
    parameter bit NANS     = 1'b1,
    parameter int E        = 8,
    parameter int M        = 23,
    parameter string FAULT = "none"
);
    import fewbit_pkg::*;

    localparam int X = 1 + XE + XM, N = 1 + E + M;
    localparam bit [X-1:0] MINUS = {1'b1, {(X - 1) {1'b0}}};
    typedef bit [LANES-1:0][X-1:0] block;

    logic clk = 0, rst = 1, valid = 0, first = 0;
    block a = '0, b = '0;
    logic [7:0] scale_a = '0, scale_b = '0;
    logic out_valid, overflow, underflow, inexact;
    logic [N-1:0] out;
    mx_dot #(.LANES(LANES), .XE(XE), .XM(XM), .NANS(NANS), .E(E), .M(M), .FAULT(FAULT)) dut (.*);
    always #5 clk = ~clk;

    typedef struct packed {
        bit valid;
        bit first;
        block a;
        bit [7:0] scale_a;
        block b;
        bit [7:0] scale_b;
    } driven;
    driven ago1, ago2, ago3;

    fewbit_scoreboard sb;
    fewbit_stimulus random;
    fewbit_format element, scale, result;
    fewbit_machine model, away, zero;
    longint unsigned cycle;

    int exact, tie, tie_up, above, absorbed, cancel, infinity, subnormal, tiny, nan_scale, nan_element, zeros, minus_zeros;
    int minus_zero, least_scale, subnormal_in, gap;

    function automatic void declare();
        exact        = sb.need("exact step");
        tie          = sb.need("tie, to the smaller magnitude");
        tie_up       = sb.need("tie, to the larger magnitude");
        above        = sb.need("inexact, and no tie");
        absorbed     = sb.need("block too small to change the register");
        cancel       = sb.need("sum cancels to zero");
        infinity     = sb.need("overflow to infinity");
        subnormal    = sb.need("subnormal register");
        tiny         = sb.need("underflow");
        minus_zero   = sb.need("register at -0");
        zeros        = sb.need("block of zeros");
        minus_zeros  = sb.need("block whose products are all -0");
        nan_scale    = sb.need("NaN from a scale alone");
        least_scale  = sb.need("scale of 2^-127");
        subnormal_in = sb.need("subnormal elements");
        gap          = sb.need("gap within a sum");
        if (NANS) nan_element = sb.need("NaN from elements alone");
    endfunction

    /* verilator lint_off UNUSEDSIGNAL */  // valid and first are not pushed
    function automatic int unsigned push(fewbit_machine machine, driven x);
        int unsigned flags;
        flags = 0;
        for (int i = 0; i < LANES; i++)
            flags = machine.push_scaled(64'(x.a[i]), 64'(x.scale_a), 64'(x.b[i]), 64'(x.scale_b));
        return flags & 32'(FEWBIT_NX | FEWBIT_UF | FEWBIT_OF);
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    function automatic void compare();
        longint unsigned held, after, by_away, by_zero, magnitude;
        int unsigned flags, got_flags;
        real start;
        bit all_zero, all_minus, any_subnormal, any_nan, scale_nan, held_nan;
        string where;
        driven x;
        x = ago3;
        if (out_valid != x.valid)
            void'(sb.check(1'b0, $sformatf("cycle %0d: out_valid is %0d, expected %0d", cycle, out_valid, x.valid)));
        if (!x.valid) return;
        if (x.first) model.reset();
        held = model.code();
        start = model.as_real();
        flags = push(model, x);
        after = model.code();
        got_flags = {29'd0, overflow, underflow, inexact};
        where = "";
        if (sb.wants_more())
            where = $sformatf("cycle %0d, %s + block under %s and %s", cycle, result.show(held), scale.show(64'(x.scale_a)),
                              scale.show(64'(x.scale_b)));
        if (!sb.check_code(result, 64'(out), after, where, got_flags, flags)) begin
            sb.explain($sformatf("a %0h\nb %0h", x.a, x.b));
            sb.explain(model.steps());
        end

        // Corner classes. Ties: what other roundings make of the step, for one in eight.
        magnitude = held & ((64'd1 << (N - 1)) - 1);
        if ((flags & FEWBIT_NX) != 0 && magnitude < 64'd255 << M && random.once_in(8)) begin
            void'(fewbit_must(fewbit_machine_reset_real(away.handle, start), "ties away"));
            void'(fewbit_must(fewbit_machine_reset_real(zero.handle, start), "ties to zero"));
            void'(push(away, x));
            void'(push(zero, x));
            by_away = away.code();
            by_zero = zero.code();
            sb.hit(tie, by_away != by_zero && after == by_zero);
            sb.hit(tie_up, by_away != by_zero && after == by_away);
            sb.hit(above, by_away == by_zero);
        end
        all_zero = 1'b1;
        all_minus = 1'b1;
        any_subnormal = 1'b0;
        any_nan = 1'b0;
        for (int i = 0; i < LANES; i++) begin
            bit a_zero, b_zero;
            a_zero = x.a[i][X-2:0] == '0;
            b_zero = x.b[i][X-2:0] == '0;
            all_zero = all_zero & (a_zero | b_zero);
            all_minus = all_minus & (a_zero | b_zero) & (x.a[i][X-1] ^ x.b[i][X-1]);
            any_subnormal = any_subnormal | (!a_zero & x.a[i][X-2:XM] == '0);
            any_nan = any_nan | (NANS & (&x.a[i][X-2:0] | &x.b[i][X-2:0]));
        end
        sb.hit(exact, flags == 0);
        sb.hit(absorbed, (flags & FEWBIT_NX) != 0 && after == held);
        sb.hit(cancel, after == 0 && magnitude != 0);
        sb.hit(infinity, (flags & FEWBIT_OF) != 0);
        sb.hit(subnormal, ((after >> M) & ((64'd1 << E) - 1)) == 0 && (after & ((64'd1 << M) - 1)) != 0);
        sb.hit(tiny, (flags & FEWBIT_UF) != 0);
        sb.hit(minus_zero, after == 64'd1 << (N - 1));
        sb.hit(zeros, all_zero);
        sb.hit(minus_zeros, all_minus);
        // A NaN shows only where there is none already.
        held_nan = magnitude > 64'd255 << M;
        scale_nan = x.scale_a == 8'hff || x.scale_b == 8'hff;
        sb.hit(nan_scale, scale_nan && !any_nan && !held_nan);
        sb.hit(least_scale, x.scale_a == 8'h00 || x.scale_b == 8'h00);
        sb.hit(subnormal_in, any_subnormal);
        if (NANS) sb.hit(nan_element, any_nan && !scale_nan && !held_nan);
    endfunction

    task automatic tick(driven x);
        @(negedge clk);
        compare();
        ago3 = ago2;
        ago2 = ago1;
        ago1 = x;
        a       = x.a;
        b       = x.b;
        scale_a = x.scale_a;
        scale_b = x.scale_b;
        first   = x.first;
        valid   = x.valid;
        cycle   = cycle + 1;
    endtask

    task automatic idle(int cycles);
        driven x;
        x = ago1;
        x.valid = 1'b0;
        repeat (cycles) tick(x);
    endtask

    // Random elements; `nans`: NaN among them.
    function automatic block elements(bit nans);
        bit [31:0] word;
        block x;
        word = 0;
        for (int i = 0; i < LANES; i++) begin
            if (i % 4 == 0) word = random.bits();
            x[i] = X'(word >> (8 * (i % 4)));
            if (NANS && !nans && &x[i][X-2:0]) x[i][0] = 1'b0;
        end
        return x;
    endfunction

    // A sum of blocks, of a kind.
    task automatic sum(int kind, int length);
        driven x;
        int at;
        at = 127 + random.between(-8, 8);
        for (int i = 0; i < length; i++) begin
            x.valid = 1'b1;
            x.first = i == 0;
            x.a = elements(kind == 0 && length % 4 == 0);
            x.b = elements(kind == 0 && length % 4 == 1);
            x.scale_a = 8'(at + random.between(-4, 4));
            x.scale_b = 8'(254 - at + random.between(-4, 4));
            case (kind)
                // Any scales, specials too.
                0: begin
                    x.scale_a = 8'(random.bits());
                    x.scale_b = 8'(random.bits());
                    if (random.once_in(8)) x.scale_b = 8'hff;
                end
                // Around the smallest values of the register.
                1: begin
                    x.scale_a = 8'(random.between(0, 12));
                    x.scale_b = 8'(120 - int'(x.scale_a) - random.between(0, 30));
                end
                // Around the largest.
                2: begin
                    x.scale_a = 8'(random.between(236, 254));
                    x.scale_b = 8'(random.between(110, 127));
                end
                // Blocks that cancel: the second half is the first one's negative, or the block before with other signs.
                3: if (i % 2 == 1) begin
                    x.b = ago1.b;
                    x.scale_a = ago1.scale_a;
                    x.scale_b = ago1.scale_b;
                    for (int j = 0; j < LANES; j++) x.a[j] = ago1.a[j] ^ MINUS;
                end else if (random.once_in(2)) begin
                    for (int j = 0; j < LANES / 2; j++) begin
                        x.a[j + LANES / 2] = x.a[j] ^ MINUS;
                        x.b[j + LANES / 2] = x.b[j];
                    end
                end
                // A single element: powers of two apart, ties and sticky bits.
                4: begin
                    for (int j = 1; j < LANES; j++) x.a[j] = '0;
                    x.a[0] = (random.once_in(2) ? MINUS : '0) | (X'(1 + random.below(2)) << XM);
                    x.b[0] = i == 0 ? x.b[0] : (X'(1) << XM);
                    x.scale_a = 8'(127 - (i == 0 ? 0 : random.between(18, 30)));
                    x.scale_b = 8'd127;
                end
                // Zeros of either sign.
                5: for (int j = 0; j < LANES; j++) begin
                    x.a[j] = (i + length) % 3 == 0 || random.once_in(2) ? MINUS : '0;
                    x.b[j] = x.b[j] & ~MINUS;
                    if (i % 4 == 0) begin
                        // So small that the register becomes a zero, of the sign of the product.
                        x.a[0] = MINUS | X'(1);
                        x.b[0] = X'(1);
                        x.scale_a = 8'd0;
                        x.scale_b = 8'd20;
                    end
                end
                // One large block, then small ones.
                6: x.scale_a = i == 0 ? 8'd140 : 8'(127 - random.between(0, 40));
                default: ;
            endcase
            tick(x);
            if (random.once_in(32)) begin
                sb.hit(gap, i != length - 1);
                idle(1);
            end
        end
    endtask

    initial begin
        longint unsigned vectors;
        fewbit_accumulator acc, acc_away, acc_zero;
        string register;
        fewbit_start();
        vectors = fewbit_plusarg("vectors", 1000000);
        random = new(fewbit_plusarg("seed", 1));
        register = $sformatf("e%0dm%0d", E, M);
        acc = new($sformatf("%s-rne*%0d", register, LANES));
        acc_away = new($sformatf("%s-rna*%0d", register, LANES));
        acc_zero = new($sformatf("%s-rnz*%0d", register, LANES));
        element = new($sformatf("e%0dm%0dfn", XE, XM));
        scale = new("e8m0fnu");
        result = new(register);
        model = fewbit_machine::of_scaled(acc, element, scale, element, scale, 2);
        away = fewbit_machine::of_scaled(acc_away, element, scale, element, scale);
        zero = fewbit_machine::of_scaled(acc_zero, element, scale, element, scale);
        sb = new($sformatf("mx_dot %s %s", element.name, acc.text), 3);
        declare();
        cycle = 0;
        ago1 = '0;
        ago2 = '0;
        ago3 = '0;
        repeat (5) @(negedge clk);
        rst = 0;
        while (sb.compared < vectors) sum(int'(random.below(8)), 1 + int'(random.below(12)));
        idle(4);
        sb.finish();
    end
endmodule
