// mac_tile beside a machine of the same accumulator: the inner register after every product, the output and the overflow flags
// after every last one, each in its cycle.
module mac_tile_tb #(
    parameter int W          = 4,
    parameter int A          = 8,
    parameter bit A_SIGNED   = 1'b0,
    parameter int P          = 14,
    parameter bit P_SATURATE = 1'b1,
    parameter int T          = 16,
    parameter int Q          = 16,
    parameter bit Q_SATURATE = 1'b1,
    parameter string FAULT   = "none"
);
    import fewbit_pkg::*;

    localparam longint P_MOST = (1 << (P - 1)) - 1, P_LEAST = -(1 << (P - 1));
    localparam longint Q_MOST = (1 << (Q - 1)) - 1, Q_LEAST = -(1 << (Q - 1));
    localparam int W_MOST = (1 << (W - 1)) - 1, W_LEAST = -(1 << (W - 1));
    localparam int A_MOST = A_SIGNED ? (1 << (A - 1)) - 1 : (1 << A) - 1, A_LEAST = A_SIGNED ? -(1 << (A - 1)) : 0;

    logic clk = 0, rst = 1, valid = 0, last = 0;
    logic signed [W-1:0] weight = '0;
    logic [A-1:0] act = '0;
    logic inner_valid, out_valid, inner_overflow, outer_overflow;
    logic signed [P-1:0] inner;
    logic signed [Q-1:0] out;
    mac_tile #(.W(W), .A(A), .A_SIGNED(A_SIGNED), .P(P), .P_SATURATE(P_SATURATE), .T(T), .Q(Q), .Q_SATURATE(Q_SATURATE),
               .FAULT(FAULT)) dut (.*);
    always #5 clk = ~clk;

    // What was driven 1 and 2 cycles ago.
    typedef struct packed {
        bit valid;
        bit last;
        int weight;
        int act;
    } driven;
    driven ago1, ago2;

    fewbit_scoreboard sb;
    fewbit_stimulus random;
    fewbit_machine model, tile;
    longint unsigned cycle;
    bit out_due;    // an output leaves the design in this cycle
    bit restart;    // the next product starts an output
    int taken;      // products of the tile so far

    int at_most, at_least, above, below, up, down, outer_most, outer_least, outer_up, outer_down;
    int short_tile, full_tile, single, zero, extreme, gap;

    function automatic void declare();
        at_most     = sb.need("inner register at its greatest value");
        at_least    = sb.need("inner register at its least value");
        above       = sb.need("inner sum one above the greatest value");
        below       = sb.need("inner sum one below the least value");
        up          = sb.need("inner overflow upward");
        down        = sb.need("inner overflow downward");
        outer_most  = sb.need("outer register at its greatest value");
        outer_least = sb.need("outer register at its least value");
        outer_up    = sb.need("outer overflow upward");
        outer_down  = sb.need("outer overflow downward");
        short_tile  = sb.need("last tile shorter than the others");
        full_tile   = sb.need("last tile full");
        single      = sb.need("output of a single product");
        zero        = sb.need("product of zero");
        extreme     = sb.need("product of the extremes of both formats");
        gap         = sb.need("gap within an output");
    endfunction

    // The product that left the pipeline enters the model.
    /* verilator lint_off UNUSEDSIGNAL */  // it is valid
    function automatic void step(driven x);
        longint product, exact, outer_before, outer_exact;
        product = longint'(x.weight) * longint'(x.act);
        if (restart) begin
            model.reset();
            tile.reset();
            taken = 0;
            sb.hit(single, x.last);
        end
        exact = tile.value() + product;
        outer_before = model.value();
        void'(model.push(product));
        void'(tile.push(product));
        taken = taken + 1;
        sb.hit(at_most, exact == P_MOST);
        sb.hit(at_least, exact == P_LEAST);
        sb.hit(above, exact == P_MOST + 1);
        sb.hit(below, exact == P_LEAST - 1);
        sb.hit(up, exact > P_MOST);
        sb.hit(down, exact < P_LEAST);
        sb.hit(zero, product == 0);
        sb.hit(extreme, (x.weight == W_MOST || x.weight == W_LEAST) && (x.act == A_MOST || x.act == A_LEAST) && x.act != 0);
        if (x.last) begin
            sb.hit(short_tile, taken != T);
            sb.hit(full_tile, taken == T);
            void'(model.drain());
        end
        if (x.last || taken == T) begin
            outer_exact = outer_before + tile.value();
            sb.hit(outer_most, outer_exact == Q_MOST);
            sb.hit(outer_least, outer_exact == Q_LEAST);
            sb.hit(outer_up, outer_exact > Q_MOST);
            sb.hit(outer_down, outer_exact < Q_LEAST);
            tile.reset();
            taken = 0;
        end
        restart = x.last;
        out_due = x.last;
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    // What the design shows in this cycle beside the model.
    function automatic void compare();
        string where;
        if (out_valid != out_due) begin
            void'(sb.check(1'b0, $sformatf("cycle %0d: out_valid is %0d, expected %0d", cycle, out_valid, out_due)));
            sb.explain(model.steps());
        end else if (out_due) begin
            where = sb.wants_more() ? $sformatf("cycle %0d, out", cycle) : "";
            if (!sb.check_value(longint'(out), model.value(), where, Q)) sb.explain(model.steps());
            if (!sb.check(inner_overflow == (model.events(0) != 0) && outer_overflow == (model.events(1) != 0),
                          "overflow flags of an output")) begin
                sb.explain($sformatf("expected inner %0d outer %0d events, got flags %0d %0d", model.events(0), model.events(1),
                                     inner_overflow, outer_overflow));
                sb.explain(model.steps());
            end
        end
        out_due = 1'b0;
        if (ago2.valid) begin
            step(ago2);
            where = sb.wants_more() ? $sformatf("cycle %0d, inner register", cycle) : "";
            if (!sb.check_value(longint'(inner), model.stage(0), where, P)) sb.explain(model.steps());
        end
        if (inner_valid != ago2.valid)
            void'(sb.check(1'b0, $sformatf("cycle %0d: inner_valid is %0d, expected %0d", cycle, inner_valid, ago2.valid)));
    endfunction

    // One cycle: compares, then drives.
    task automatic tick(driven x);
        @(negedge clk);
        compare();
        ago2 = ago1;
        ago1 = x;
        valid  = x.valid;
        last   = x.last;
        weight = x.weight[W-1:0];
        act    = x.act[A-1:0];
        cycle  = cycle + 1;
    endtask

    task automatic idle(int cycles);
        driven none;
        none = '{valid: 1'b0, last: 1'b1, weight: W_MOST, act: A_MOST};
        repeat (cycles) tick(none);
    endtask

    // The product that takes the inner register nearer to a value; the pipeline is empty.
    function automatic driven toward(longint target);
        longint distance, size;
        driven x;
        distance = target - model.stage(0);
        size = distance < 0 ? -distance : distance;
        x = '0;
        x.valid = 1'b1;
        x.weight = size <= longint'(A_MOST) ? 1 : W_MOST;
        x.act = size <= longint'(A_MOST) ? int'(size) : int'(size / longint'(W_MOST) > longint'(A_MOST) ? longint'(A_MOST) : size / longint'(W_MOST));
        if (distance < 0) x.weight = -x.weight;
        return x;
    endfunction

    function automatic longint clamp(longint x, longint low, longint high);
        return x < low ? low : x > high ? high : x;
    endfunction

    task automatic output_of(int mode, int k);
        longint target;
        driven x;
        case (random.below(5))
            0: target = mode == 7 ? Q_MOST : P_MOST;
            1: target = mode == 7 ? Q_LEAST : P_LEAST;
            2: target = mode == 7 ? Q_MOST + 1 : P_MOST + 1;
            3: target = mode == 7 ? Q_LEAST - 1 : P_LEAST - 1;
            default: target = 0;
        endcase
        for (int i = 0; i < k; i++) begin
            x.valid = 1'b1;
            x.weight = random.between(W_LEAST, W_MOST);
            x.act = random.between(A_LEAST, A_MOST);
            case (mode)
                1: begin
                    x.weight = random.once_in(2) ? W_MOST : W_LEAST;
                    x.act = random.once_in(2) ? A_MOST : A_LEAST;
                end
                2: begin
                    x.weight = W_MOST;
                    x.act = A_MOST;
                end
                3: begin
                    x.weight = W_LEAST;
                    x.act = A_MOST;
                end
                4: begin
                    x.weight = i % (2 * T) < T ? W_MOST : W_LEAST;
                    x.act = A_MOST - int'(random.below(3));
                end
                5: x.weight = random.between(-1, 1);
                6: begin
                    idle(3);
                    x = toward(target);
                    if (target == model.stage(0)) target = random.once_in(2) ? P_MOST : P_LEAST;
                end
                7: begin
                    // The outer register is to reach its target with as few tiles as the inner one's range allows.
                    idle(3);
                    x = toward(clamp(target - model.value(), P_LEAST, P_MOST));
                end
                default: ;
            endcase
            x.last = i == k - 1;
            tick(x);
            if (random.once_in(16) && !x.last) begin
                sb.hit(gap);
                idle(1 + int'(random.below(2)));
            end
        end
        if (random.once_in(4) || mode >= 6) idle(4);
    endtask

    function automatic int some_length(int mode);
        if (mode >= 6) return T * (1 + int'(random.below(8)));
        case (random.below(8))
            0: return 1;
            1: return T - 1;
            2: return T;
            3: return T + 1;
            4: return 3 * T;
            5: return 2 * T + 1;
            default: return random.between(1, 6 * T);
        endcase
    endfunction

    initial begin
        longint unsigned vectors;
        fewbit_accumulator both, first;
        fewbit_start();
        vectors = fewbit_plusarg("vectors", 1000000);
        random = new(fewbit_plusarg("seed", 1));
        both = new($sformatf("%s/%0d,%s", fewbit_register_text(P, P_SATURATE), T, fewbit_register_text(Q, Q_SATURATE)));
        first = new(fewbit_register_text(P, P_SATURATE));
        model = fewbit_machine::of_products(both, 24);
        tile = fewbit_machine::of_products(first);
        sb = new($sformatf("mac_tile %0dx%0d %s", W, A, both.text));
        declare();
        cycle = 0;
        out_due = 1'b0;
        restart = 1'b1;
        ago1 = '{valid: 1'b0, last: 1'b0, weight: 0, act: 0};
        ago2 = ago1;
        repeat (4) @(negedge clk);
        rst = 0;
        while (sb.compared < vectors) begin
            int mode;
            mode = int'(random.below(8));
            output_of(mode, some_length(mode));
        end
        idle(4);
        sb.finish();
    end
endmodule
