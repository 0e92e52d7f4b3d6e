// fp_mac beside a machine with a float register: the register's code and the flags after every product, in its cycle.
//
// Ties are told apart by the library too: a step is one where rounding ties away and toward zero differ.
module fp_mac_tb #(
    parameter int AE       = 4,
    parameter int AM       = 3,
    parameter bit AFN      = 1'b1,
    parameter int BE       = 4,
    parameter int BM       = 3,
    parameter bit BFN      = 1'b1,
    parameter int E        = 8,
    parameter int M        = 7,
    parameter string FAULT = "none"
);
    import fewbit_pkg::*;

    localparam int A = 1 + AE + AM, B = 1 + BE + BM, N = 1 + E + M;

    logic clk = 0, rst = 1, valid = 0, first = 0;
    logic [A-1:0] a = '0;
    logic [B-1:0] b = '0;
    logic out_valid, overflow, underflow, inexact;
    logic [N-1:0] out;
    fp_mac #(.AE(AE), .AM(AM), .AFN(AFN), .BE(BE), .BM(BM), .BFN(BFN), .E(E), .M(M), .FAULT(FAULT)) dut (.*);
    always #5 clk = ~clk;

    typedef struct packed {
        bit valid;
        bit first;
        longint unsigned a;
        longint unsigned b;
    } driven;
    driven ago1, ago2;

    fewbit_scoreboard sb;
    fewbit_stimulus random;
    fewbit_format fa, fb, fr;
    fewbit_policy away, zero;
    fewbit_machine model;
    longint unsigned cycle;

    int exact, tie, tie_up, above, subnormal, tiny, infinity, nan, from_nan, minus_zero, cancel, absorbed, subnormal_in, gap;

    function automatic void declare();
        exact        = sb.need("exact step");
        tie          = sb.need("tie, to the smaller magnitude");
        tie_up       = sb.need("tie, to the larger magnitude");
        above        = sb.need("inexact, and no tie");
        absorbed     = sb.need("product too small to change the register");
        cancel       = sb.need("sum cancels to zero");
        nan          = sb.need("NaN from a product");
        from_nan     = sb.need("NaN stays");
        subnormal_in = sb.need("subnormal operand");
        gap          = sb.need("gap within a sum");
        // Products of FP8 formats reach the ends of f16 alone.
        if (E == 5) begin
            infinity   = sb.need("overflow to infinity");
            minus_zero = sb.need("register at -0");
            subnormal  = sb.need("subnormal register");
            tiny       = sb.need("underflow");
        end
    endfunction

    function automatic string format_of(int e, int m, bit fn);
        if (fn) return $sformatf("e%0dm%0dfn", e, m);
        return $sformatf("e%0dm%0d", e, m);
    endfunction

    function automatic bit is_subnormal(longint unsigned code, int e, int m);
        return ((code >> m) & ((64'd1 << e) - 1)) == 0 && (code & ((64'd1 << m) - 1)) != 0;
    endfunction

    function automatic bit is_nan(longint unsigned code);
        return (code & ((64'd1 << (N - 1)) - 1)) > (((64'd1 << E) - 1) << M);
    endfunction

    function automatic bit is_infinite(longint unsigned code);
        return (code & ((64'd1 << (N - 1)) - 1)) == (((64'd1 << E) - 1) << M);
    endfunction

    function automatic void compare();
        longint unsigned held, after, by_away, by_zero, magnitude;
        int unsigned flags, got_flags;
        string where;
        if (out_valid != ago2.valid)
            void'(sb.check(1'b0, $sformatf("cycle %0d: out_valid is %0d, expected %0d", cycle, out_valid, ago2.valid)));
        if (!ago2.valid) return;
        if (ago2.first) model.reset();
        held = model.code();
        flags = model.push_codes(ago2.a, ago2.b) & 32'(FEWBIT_NX | FEWBIT_UF | FEWBIT_OF);
        after = model.code();
        got_flags = {29'd0, overflow, underflow, inexact};
        where = "";
        if (sb.wants_more())
            where = $sformatf("cycle %0d, %s + %s * %s", cycle, fr.show(held), fa.show(ago2.a), fb.show(ago2.b));
        if (!sb.check_code(fr, 64'(out), after, where, got_flags, flags)) sb.explain(model.steps());

        // Corner classes; what the two other roundings make of the same step.
        if ((flags & FEWBIT_NX) != 0) begin
            void'(fewbit_must(fewbit_operate(FEWBIT_FMA, fa.handle, ago2.a, fb.handle, ago2.b, fr.handle, held,
                                             fr.handle, away.handle, 0, by_away), "ties away"));
            void'(fewbit_must(fewbit_operate(FEWBIT_FMA, fa.handle, ago2.a, fb.handle, ago2.b, fr.handle, held,
                                             fr.handle, zero.handle, 0, by_zero), "ties to zero"));
            sb.hit(tie, by_away != by_zero && after == by_zero);
            sb.hit(tie_up, by_away != by_zero && after == by_away);
            sb.hit(above, by_away == by_zero);
        end
        magnitude = held & ((64'd1 << (N - 1)) - 1);
        sb.hit(exact, flags == 0);
        sb.hit(absorbed, (flags & FEWBIT_NX) != 0 && after == held);
        sb.hit(cancel, after == 0 && magnitude != 0);
        sb.hit(nan, is_nan(after) && !is_nan(held));
        sb.hit(from_nan, is_nan(held));
        sb.hit(subnormal_in, is_subnormal(ago2.a, AE, AM) || is_subnormal(ago2.b, BE, BM));
        if (E == 5) begin
            sb.hit(infinity, (flags & FEWBIT_OF) != 0);
            sb.hit(minus_zero, after == 64'd1 << (N - 1));
            sb.hit(subnormal, is_subnormal(after, E, M));
            sb.hit(tiny, (flags & FEWBIT_UF) != 0);
        end
    endfunction

    task automatic tick(driven x);
        @(negedge clk);
        compare();
        ago2 = ago1;
        ago1 = x;
        a     = x.a[A-1:0];
        b     = x.b[B-1:0];
        first = x.first;
        valid = x.valid;
        cycle = cycle + 1;
    endtask

    task automatic idle(int cycles);
        repeat (cycles) tick('{valid: 1'b0, first: 1'b1, a: 64'h7f, b: 64'h7f});
    endtask

    // A code without specials whose exponent is at most `most`, the largest for a negative value.
    function automatic longint unsigned operand(int e, int m, int most);
        longint unsigned code;
        int field;
        field = most < 0 ? (1 << e) - 2 : most;
        code = {32'd0, random.below(2 << (e + m))} & ((64'd1 << (e + m + 1)) - 1);
        if (most < 0) return code;
        code = code & ~(((64'd1 << e) - 1) << m);
        return code | (64'(random.below(unsigned'(field) + 1)) << m);
    endfunction

    // A sum of random codes, of a kind.
    task automatic sum(int kind, int length);
        driven x;
        longint unsigned a_top, b_top;
        a_top = ((64'd1 << AE) - 2) << AM;
        b_top = ((64'd1 << BE) - 2) << BM;
        for (int i = 0; i < length; i++) begin
            x.valid = 1'b1;
            x.first = i == 0;
            x.a = {32'd0, random.bits()} & ((64'd1 << A) - 1);
            x.b = {32'd0, random.bits()} & ((64'd1 << B) - 1);
            case (kind)
                // Numbers alone.
                0, 1: begin
                    x.a = operand(AE, AM, (1 << AE) - 2);
                    x.b = operand(BE, BM, (1 << BE) - 2);
                end
                // Small ones: subnormals and their neighbours.
                2: begin
                    x.a = operand(AE, AM, 2);
                    x.b = operand(BE, BM, 2);
                end
                // One large, then small ones: sticky bits.
                3: begin
                    x.a = i % 8 == 0 ? a_top | (64'(random.below(2)) << (A - 1)) : operand(AE, AM, 3);
                    x.b = i % 8 == 0 ? b_top | 64'(random.below(1 << BM)) : operand(BE, BM, 3);
                end
                // The same with its negative: sums cancel.
                4: if (i % 2 == 1) begin
                    x.a = ago1.a ^ (64'd1 << (A - 1));
                    x.b = ago1.b;
                end
                // Powers of two: ties.
                5: begin
                    x.a = operand(AE, AM, (1 << AE) - 2) & ~((64'd1 << AM) - 1);
                    x.b = operand(BE, BM, (1 << BE) - 2);
                end
                // The largest, all of one sign: overflow, where the register is not far beyond.
                6: begin
                    x.a = a_top | 64'(random.below(1 << AM));
                    x.b = b_top | 64'(random.below(1 << BM));
                end
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
        fewbit_accumulator acc;
        fewbit_start();
        vectors = fewbit_plusarg("vectors", 1000000);
        random = new(fewbit_plusarg("seed", 1));
        acc = new($sformatf("e%0dm%0d-rne", E, M));
        fa = new(format_of(AE, AM, AFN));
        fb = new(format_of(BE, BM, BFN));
        fr = new($sformatf("e%0dm%0d", E, M));
        away = new("ties-away,ieee");
        zero = new("ties-zero,ieee");
        model = fewbit_machine::of_codes(acc, fa, fb, 12);
        sb = new($sformatf("fp_mac %s x %s %s", fa.name, fb.name, acc.text));
        declare();
        cycle = 0;
        ago1 = '0;
        ago2 = '0;
        repeat (4) @(negedge clk);
        rst = 0;
        while (sb.compared < vectors) sum(int'(random.below(8)), 1 + int'(random.below(48)));
        // Every pair of codes, from a register of zero.
        if (vectors >= 1 << (A + B))
            for (int i = 0; i < 1 << A; i++)
                for (int j = 0; j < 1 << B; j++) tick('{valid: 1'b1, first: 1'b1, a: 64'(i), b: 64'(j)});
        idle(4);
        sb.finish();
    end
endmodule
