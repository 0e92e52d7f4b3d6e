// aligned_dot beside a machine with an aligned register: the register's code after every step, in its cycle.
//
// Corner classes come from machines that differ in one point from the one that is held against the design: where such a machine
// gives another code, a design with that point wrong would show.
module aligned_dot_tb #(
    parameter int LANES    = 16,
    parameter int XE       = 4,
    parameter int XM       = 3,
    parameter int F        = 13,
    parameter int E        = 8,
    parameter int M        = 13,
    parameter string FAULT = "none"
);
    import fewbit_pkg::*;

    localparam int X = 1 + XE + XM, N = 1 + E + M;
    localparam bit [X-1:0] MINUS = {1'b1, {(X - 1) {1'b0}}};
    typedef bit [LANES-1:0][X-1:0] elements;

    logic clk = 0, rst = 1, valid = 0, first = 0;
    elements a = '0, b = '0;
    logic out_valid;
    logic [N-1:0] out;
    aligned_dot #(.LANES(LANES), .XE(XE), .XM(XM), .F(F), .E(E), .M(M), .FAULT(FAULT)) dut (.*);
    always #5 clk = ~clk;

    typedef struct packed {
        bit valid;
        bit first;
        elements a;
        elements b;
    } driven;
    driven ago1, ago2;

    fewbit_scoreboard sb;
    fewbit_stimulus random;
    fewbit_format element, result;
    fewbit_machine model, exact, floor, narrow;
    longint unsigned cycle;

    int cut, negative, last_bit, absorbed, cancel, nan, zero, subnormal, gap;

    function automatic void declare();
        cut       = sb.need("the cut changes the result");
        negative  = sb.need("cut toward zero, not down, shows");
        last_bit  = sb.need("the last fraction bit shows");
        absorbed  = sb.need("products that leave the register as it was");
        cancel    = sb.need("sum cancels to zero");
        nan       = sb.need("NaN from one element");
        zero      = sb.need("products of zero alone");
        subnormal = sb.need("subnormal elements");
        gap       = sb.need("gap within a sum");
    endfunction

    /* verilator lint_off UNUSEDSIGNAL */  // valid and first are not pushed
    function automatic longint unsigned push(fewbit_machine machine, driven x);
        for (int i = 0; i < LANES; i++) void'(machine.push_codes(64'(x.a[i]), 64'(x.b[i])));
        return machine.code();
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    function automatic longint unsigned other(fewbit_machine machine, real start, driven x);
        void'(fewbit_must(fewbit_machine_reset_real(machine.handle, start), "start"));
        return push(machine, x);
    endfunction

    function automatic void compare();
        longint unsigned held, after;
        real start;
        int nans, nonzero, tiny;
        string where;
        driven x;
        x = ago2;
        if (out_valid != x.valid)
            void'(sb.check(1'b0, $sformatf("cycle %0d: out_valid is %0d, expected %0d", cycle, out_valid, x.valid)));
        if (!x.valid) return;
        if (x.first) model.reset();
        held = model.code();
        start = model.as_real();
        after = push(model, x);
        where = "";
        if (sb.wants_more()) where = $sformatf("cycle %0d, %s + products", cycle, result.show(held));
        if (!sb.check_code(result, 64'(out), after, where)) begin
            sb.explain($sformatf("a %0h\nb %0h", x.a, x.b));
            sb.explain(model.steps());
        end

        nans = 0;
        nonzero = 0;
        tiny = 0;
        for (int i = 0; i < LANES; i++) begin
            if (&x.a[i][X-2:0] || &x.b[i][X-2:0]) nans = nans + 1;
            if (x.a[i][X-2:0] != '0 && x.b[i][X-2:0] != '0) nonzero = nonzero + 1;
            if (x.a[i][X-2:0] != '0 && x.a[i][X-2:XM] == '0) tiny = tiny + 1;
        end
        sb.hit(nan, nans == 1 && held < 64'd255 << M);
        sb.hit(zero, nonzero == 0);
        sb.hit(absorbed, nonzero != 0 && nans == 0 && after == held);
        sb.hit(cancel, after == 0 && held != 0);
        sb.hit(subnormal, tiny != 0);
        if (nans == 0 && random.once_in(4)) begin
            sb.hit(cut, other(exact, start, x) != after);
            sb.hit(negative, other(floor, start, x) != after);
            sb.hit(last_bit, other(narrow, start, x) != after);
        end
    endfunction

    task automatic tick(driven x);
        @(negedge clk);
        compare();
        ago2 = ago1;
        ago1 = x;
        a     = x.a;
        b     = x.b;
        first = x.first;
        valid = x.valid;
        cycle = cycle + 1;
    endtask

    // Random elements without NaN, exponent fields at most `most`.
    function automatic elements some(int most);
        elements x;
        for (int i = 0; i < LANES; i++) begin
            x[i] = X'(random.bits());
            x[i][X-2:XM] = XE'(random.below(unsigned'(most) + 1));
            if (&x[i][X-2:0]) x[i][0] = 1'b0;
        end
        return x;
    endfunction

    task automatic sum(int kind, int length);
        driven x;
        for (int i = 0; i < length; i++) begin
            x.valid = 1'b1;
            x.first = i == 0;
            x.a = some((1 << XE) - 1);
            x.b = some((1 << XE) - 1);
            case (kind)
                // Small ones after large ones.
                0: if (i != 0) begin
                    x.a = some(2);
                    x.b = some(4);
                end
                // One lane, then its negative.
                1: if (i % 2 == 0) begin
                    for (int j = 1; j < LANES; j++) x.a[j] = '0;
                end else begin
                    x.b = ago1.b;
                    for (int j = 0; j < LANES; j++) x.a[j] = ago1.a[j] ^ MINUS;
                end
                // Zeros of either sign.
                2: for (int j = 0; j < LANES; j++) if (i % 2 == 1 || random.once_in(2)) x.a[j] = x.a[j] & MINUS;
                // A single NaN, at the end of a sum.
                3: if (i == length - 1) x.a[random.below(LANES)] = ~MINUS;
                // All of one exponent: large sums.
                4: for (int j = 0; j < LANES; j++) begin
                    x.a[j][X-2:XM] = XE'(7);
                    x.b[j][X-2:XM] = XE'(7);
                end
                default: ;
            endcase
            tick(x);
            if (random.once_in(32)) begin
                sb.hit(gap, i != length - 1);
                x.valid = 1'b0;
                tick(x);
            end
        end
    endtask

    function automatic fewbit_machine machine_of(string text, int unsigned record);
        fewbit_accumulator acc;
        acc = new(text);
        return fewbit_machine::of_codes(acc, element, element, record);
    endfunction

    initial begin
        longint unsigned vectors;
        string register, text;
        fewbit_start();
        vectors = fewbit_plusarg("vectors", 1000000);
        random = new(fewbit_plusarg("seed", 1));
        register = $sformatf("e%0dm%0d", E, M);
        element = new($sformatf("e%0dm%0dfn", XE, XM));
        result = new(register);
        text = $sformatf("aligned%0d-rz:%s-rz*%0d", F, register, LANES);
        model = machine_of(text, 2);
        exact = machine_of($sformatf("%s-rz*%0d", register, LANES), 0);
        floor = machine_of($sformatf("aligned%0d-rd:%s-rz*%0d", F, register, LANES), 0);
        narrow = machine_of($sformatf("aligned%0d-rz:%s-rz*%0d", F - 1, register, LANES), 0);
        sb = new($sformatf("aligned_dot %s %s", element.name, text), 3);
        declare();
        cycle = 0;
        ago1 = '0;
        ago2 = '0;
        repeat (4) @(negedge clk);
        rst = 0;
        while (sb.compared < vectors) sum(int'(random.below(6)), 1 + int'(random.below(12)));
        repeat (4) tick('0);
        sb.finish();
    end
endmodule
