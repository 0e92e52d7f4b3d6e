// systolic beside arrays of machines: the sum of every element in every cycle in which it has one, and every output, each where
// the skew puts it.
module systolic_tb #(
    parameter int R          = 8,
    parameter int C          = 8,
    parameter int D          = 16,
    parameter int W          = 4,
    parameter int A          = 8,
    parameter int P          = 12,
    parameter bit P_SATURATE = 1'b1,
    parameter int Q          = 13,
    parameter bit Q_SATURATE = 1'b1,
    parameter string FAULT   = "none"
);
    import fewbit_pkg::*;

    localparam longint P_MOST = (1 << (P - 1)) - 1, P_LEAST = -(1 << (P - 1));
    localparam longint Q_MOST = (1 << (Q - 1)) - 1, Q_LEAST = -(1 << (Q - 1));
    localparam int W_MOST = (1 << (W - 1)) - 1, W_LEAST = -(1 << (W - 1)), A_MOST = (1 << A) - 1;
    localparam int PASSES = 4;   // at most
    localparam int MODES = 6;    // kinds of operands
    localparam int PAST = 64;    // cycles that are remembered: more than R + C + 1

    logic clk = 0, rst = 1, load = 0, valid = 0, first = 0, last = 0;
    logic [C-1:0][W-1:0] weights = '0;
    logic [R-1:0][A-1:0] acts = '0;
    logic [R-1:0][C-1:0] pe_valid;
    logic [R-1:0][C-1:0][P-1:0] pe_sum;
    logic [C-1:0] out_valid;
    logic [C-1:0][Q-1:0] out;
    systolic #(.R(R), .C(C), .D(D), .W(W), .A(A), .P(P), .P_SATURATE(P_SATURATE), .Q(Q), .Q_SATURATE(Q_SATURATE),
               .FAULT(FAULT)) dut (.*);
    always #5 clk = ~clk;

    fewbit_scoreboard sb;
    fewbit_stimulus random;
    fewbit_machine teller;            // tells the steps of one output
    fewbit_array elements, outputs;   // a machine per vector and column: of the sums in a pass, of all passes
    longint unsigned cycle;

    // The operands of one matrix product, and what the machines make of them.
    int weight[PASSES][R][C];
    int act[PASSES][D][R];
    longint want_sum[R][D][C];
    longint want_out[D][C];
    int this_pass;
    bit is_last;
    int entered[PAST];   // the vector that entered in a cycle, or -1

    int most, least, up, down, outer_most, outer_least, outer_up, outer_down, gap, single, several, zero;

    function automatic void declare();
        most        = sb.need("element at its greatest value");
        least       = sb.need("element at its least value");
        up          = sb.need("element overflows upward");
        down        = sb.need("element overflows downward");
        outer_most  = sb.need("accumulator at its greatest value");
        outer_least = sb.need("accumulator at its least value");
        outer_up    = sb.need("accumulator overflows upward");
        outer_down  = sb.need("accumulator overflows downward");
        gap         = sb.need("gap between vectors");
        single      = sb.need("product of one pass");
        several     = sb.need("product of several passes");
        zero        = sb.need("product of zero");
    endfunction

    // How output (d, c) comes about, up to row r of this pass.
    /* verilator lint_off UNUSEDSIGNAL */  // indices are wider than what they index
    function automatic string steps(int r, int d, int c);
        teller.reset();
        for (int pass = 0; pass <= this_pass; pass++)
            for (int k = 0; k <= (pass == this_pass ? r : R - 1); k++)
                void'(teller.push(longint'(weight[pass][k][c]) * longint'(act[pass][d][k])));
        return teller.steps();
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    // The machines take the pass.
    function automatic void model(int pass);
        fewbit_lanes32 column, row;
        longint start, exact;
        elements.reset();
        if (pass == 0) outputs.reset();
        for (int d = 0; d < D; d++) for (int c = 0; c < C; c++) want_out[d][c] = outputs.value(d, c);
        for (int r = 0; r < R; r++) begin
            column = '0;
            row = '0;
            for (int d = 0; d < D; d++) column[d] = act[pass][d][r];
            for (int c = 0; c < C; c++) row[c] = weight[pass][r][c];
            elements.push_outer(column, row);
            outputs.push_outer(column, row);
            for (int d = 0; d < D; d++)
                for (int c = 0; c < C; c++) begin
                    start = r == 0 ? 64'd0 : want_sum[r-1][d][c];
                    exact = start + longint'(act[pass][d][r]) * longint'(weight[pass][r][c]);
                    want_sum[r][d][c] = elements.value(d, c);
                    sb.hit(most, exact == P_MOST);
                    sb.hit(least, exact == P_LEAST);
                    sb.hit(up, exact > P_MOST);
                    sb.hit(down, exact < P_LEAST);
                    sb.hit(zero, act[pass][d][r] == 0 || weight[pass][r][c] == 0);
                end
        end
        for (int d = 0; d < D; d++)
            for (int c = 0; c < C; c++) begin
                exact = want_out[d][c] + want_sum[R-1][d][c];
                want_out[d][c] = outputs.value(d, c);
                sb.hit(outer_most, exact == Q_MOST);
                sb.hit(outer_least, exact == Q_LEAST);
                sb.hit(outer_up, exact > Q_MOST);
                sb.hit(outer_down, exact < Q_LEAST);
            end
    endfunction

    // The vector that is at a place of the array, so many cycles after it entered; -1 for none.
    function automatic int vector_after(int cycles);
        return entered[(int'(cycle) + PAST - cycles) % PAST];
    endfunction

    function automatic void compare();
        int d;
        for (int c = 0; c < C; c++) begin
            for (int r = 0; r < R; r++) begin
                d = vector_after(1 + r + c);
                if (pe_valid[r][c] != (d >= 0))
                    void'(sb.check(1'b0, $sformatf("cycle %0d, element (%0d, %0d): valid is %0d, expected %0d", cycle, r, c,
                                                   pe_valid[r][c], d >= 0)));
                else if (d >= 0) begin
                    if (longint'(signed'(pe_sum[r][c])) == want_sum[r][d][c]) sb.agree();
                    else begin
                        void'(sb.check_value(longint'(signed'(pe_sum[r][c])), want_sum[r][d][c],
                                             $sformatf("cycle %0d, element (%0d, %0d), vector %0d", cycle, r, c, d), P));
                        sb.explain(steps(r, d, c));
                    end
                end
            end
            d = vector_after(1 + R + c);
            if (out_valid[c] != (d >= 0 && is_last))
                void'(sb.check(1'b0, $sformatf("cycle %0d, column %0d: out_valid is %0d", cycle, c, out_valid[c])));
            else if (out_valid[c]) begin
                if (!sb.check_value(longint'(signed'(out[c])), want_out[d][c],
                                    sb.wants_more() ? $sformatf("cycle %0d, column %0d, vector %0d", cycle, c, d) : "", Q))
                    sb.explain(steps(R - 1, d, c));
            end
        end
    endfunction

    // One cycle: compares what is there, then drives; vector -1 is none.
    task automatic tick(int vector);
        logic [R-1:0][A-1:0] driven;
        @(negedge clk);
        compare();
        for (int r = 0; r < R; r++) driven[r] = vector >= 0 ? act[this_pass][vector][r][A-1:0] : A'(A_MOST);
        acts  = driven;
        valid = vector >= 0;
        entered[int'(cycle) % PAST] = vector;
        cycle = cycle + 1;
    endtask

    task automatic run_pass(int pass, int passes);
        logic [C-1:0][W-1:0] row;
        this_pass = pass;
        is_last = pass == passes - 1;
        model(pass);
        first = pass == 0;
        last = is_last;
        for (int r = R - 1; r >= 0; r--) begin
            for (int c = 0; c < C; c++) row[c] = weight[pass][r][c][W-1:0];
            tick(-1);
            weights = row;
            load = 1;
        end
        tick(-1);
        load = 0;
        for (int d = 0; d < D; d++) begin
            tick(d);
            if (random.once_in(8)) begin
                sb.hit(gap);
                tick(-1);
            end
        end
        for (int i = 0; i < R + C + 1; i++) tick(-1);
    endtask

    // Operands: random, or such that the registers run to an end.
    task automatic fill(int passes, int mode);
        for (int pass = 0; pass < passes; pass++) begin
            for (int c = 0; c < C; c++) begin
                int sign;
                sign = random.once_in(2) ? 1 : -1;
                for (int r = 0; r < R; r++)
                    case (mode)
                        0: weight[pass][r][c] = random.once_in(2) ? W_MOST : W_LEAST;
                        1: weight[pass][r][c] = sign > 0 ? W_MOST : W_LEAST;
                        2: weight[pass][r][c] = random.between(-1, 1);
                        3: weight[pass][r][c] = c % 2 == 0 ? 1 : -1;
                        default: weight[pass][r][c] = random.between(W_LEAST, W_MOST);
                    endcase
            end
            for (int d = 0; d < D; d++)
                for (int r = 0; r < R; r++)
                    case (mode)
                        1: act[pass][d][r] = A_MOST - int'(random.below(2));
                        default: act[pass][d][r] = random.once_in(16) ? 0 : random.between(0, A_MOST);
                    endcase
        end
        if (mode == 3) for (int d = 0; d < D; d++) aim(passes, d);
    endtask

    // Activations whose sum ends near the end of the accumulator, with weights of 1 and -1; no element overflows.
    /* verilator lint_off UNUSEDSIGNAL */  // indices are wider than what they index
    task automatic aim(int passes, int d);
        longint left, room, a;
        left = Q_MOST - 1 + longint'(random.below(4));
        for (int pass = 0; pass < passes; pass++) begin
            room = P_MOST;
            for (int r = 0; r < R; r++) begin
                a = longint'(A_MOST);
                if (left < a) a = left;
                if (room < a) a = room;
                act[pass][d][r] = int'(a);
                left = left - a;
                room = room - a;
            end
        end
    endtask
    /* verilator lint_on UNUSEDSIGNAL */

    task automatic product(int passes, int mode);
        sb.hit(single, passes == 1);
        sb.hit(several, passes > 1);
        fill(passes, mode);
        for (int pass = 0; pass < passes; pass++) run_pass(pass, passes);
    endtask

    initial begin
        longint unsigned vectors;
        fewbit_accumulator all, one;
        fewbit_start();
        vectors = fewbit_plusarg("vectors", 1000000);
        random = new(fewbit_plusarg("seed", 1));
        one = new(fewbit_register_text(P, P_SATURATE));
        all = new($sformatf("%s/%0d,%s", fewbit_register_text(P, P_SATURATE), R, fewbit_register_text(Q, Q_SATURATE)));
        elements = new(one, D, C);
        outputs = new(all, D, C);
        teller = fewbit_machine::of_products(all, PASSES * (R + 1));
        sb = new($sformatf("systolic %0dx%0d %s", R, C, all.text));
        declare();
        for (int i = 0; i < PAST; i++) entered[i] = -1;
        cycle = 0;
        is_last = 1'b0;
        // The pipeline runs empty.
        repeat (PAST) @(negedge clk);
        rst = 0;
        // Every kind of operands once, then at random. An accumulator comes to its ends in several passes.
        for (int mode = 0; mode < MODES; mode++) product(mode == 3 ? PASSES : 1 + mode % 2, mode);
        while (sb.compared < vectors) product(1 + int'(random.below(PASSES)), int'(random.below(MODES)));
        sb.finish();
    end
endmodule
