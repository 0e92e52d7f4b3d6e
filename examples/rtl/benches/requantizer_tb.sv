// requantizer beside libfewbit's rules for the same stacks, each output in its cycle.
module requantizer_tb #(
    parameter string FAULT = "none"
);
    import fewbit_pkg::*;

    localparam int MODES = 3;

    logic clk = 0, rst = 1, valid = 0;
    logic [1:0] mode = '0;
    logic signed [31:0] value = '0, multiplier = '0;
    logic signed [6:0] shift = '0;
    logic signed [7:0] zero_point = '0;
    logic out_valid;
    logic signed [7:0] out;
    requantizer #(.FAULT(FAULT)) dut (.*);
    always #5 clk = ~clk;

    typedef struct packed {
        bit valid;
        bit [1:0] mode;
        int value;
        int multiplier;
        int shift;
        int zero_point;
        longint want;
    } driven;
    driven ago1, ago2, ago3;

    fewbit_scoreboard sb;
    fewbit_stimulus random;
    fewbit_format int8;
    fewbit_requantizer rule, other;   // of the mode in use; one that differs in a single point
    longint unsigned cycle;

    int tie[MODES], most[MODES], least[MODES], clamped_up[MODES], clamped_down[MODES], moved[MODES], largest[MODES];
    int twice, tie_away, saturated, lost, long_shift, gap;

    function automatic string name_of(int m);
        case (m)
            0: return "tosa32";
            1: return "tosa32-double";
            default: return "gemmlowp";
        endcase
    endfunction

    function automatic void declare();
        for (int m = 0; m < MODES; m++) begin
            tie[m]          = sb.need({name_of(m), ": a tie"});
            most[m]         = sb.need({name_of(m), ": 127 without a clamp"});
            least[m]        = sb.need({name_of(m), ": -128 without a clamp"});
            clamped_up[m]   = sb.need({name_of(m), ": clamped to 127"});
            clamped_down[m] = sb.need({name_of(m), ": clamped to -128"});
            moved[m]        = sb.need({name_of(m), ": zero point not 0"});
            largest[m]      = sb.need({name_of(m), ": value at an end of its range"});
        end
        twice      = sb.need("tosa32-double: the second rounding changes the result");
        long_shift = sb.need("tosa32: shift above 31");
        tie_away   = sb.need("gemmlowp: a negative tie away from zero");
        saturated  = sb.need("gemmlowp: the one product that saturates");
        lost       = sb.need("gemmlowp: a left shift beyond 32 bits");
        gap        = sb.need("gap between values");
    endfunction

    // The value that the scaling makes `target` of, roughly.
    /* verilator lint_off UNUSEDSIGNAL */
    function automatic longint near(driven x, int target);
        real scale, v;
        scale = x.mode == 2'd2 ? $itor(x.multiplier) * 2.0 ** $itor(x.shift - 31) : $itor(x.multiplier) / 2.0 ** $itor(x.shift);
        if (scale == 0.0) return longint'(target);
        v = $itor(target) / scale;
        if (v > 2147483647.0) return 64'sd2147483647;
        if (v < -2147483648.0) return -64'sd2147483648;
        return longint'(v);
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    // Numbers of a new layer: mode, multiplier, shift, zero point, and the library's rule for them.
    task automatic choose(output driven x);
        x = '0;
        x.valid = 1'b1;
        x.mode = 2'(random.below(MODES));
        x.shift = x.mode == 2'd2 ? random.between(-31, 30) : random.between(2, 62);
        x.multiplier = int'(random.bits() & 32'h7fffffff);
        x.zero_point = random.once_in(4) ? 0 : random.between(-128, 127);
        case (random.below(6))
            // As quantized networks have them: a multiplier from 2^30 up.
            0, 1: x.multiplier = x.multiplier | 32'h40000000;
            // Powers of two: ties.
            2: x.multiplier = 32'h40000000;
            3: begin
                x.multiplier = 1 << random.below(31);
                if (x.mode == 2'd2) x.shift = -int'(random.below(32));
            end
            4: if (x.mode == 2'd2) begin
                x.multiplier = random.once_in(2) ? int'(32'h80000000) : -x.multiplier;
                x.shift = -int'(random.below(32));
            end
            default: ;
        endcase
        if (random.once_in(2)) x.shift = x.mode == 2'd2 ? random.between(-12, 2) : random.between(28, 44);
        rule.close();
        other.close();
        rule = new(name_of(int'(x.mode)), int8, x.multiplier, x.shift, 64'(x.zero_point));
        case (x.mode)
            0: other = new("tosa32-double", int8, x.multiplier, x.shift, 64'(x.zero_point));
            1: other = new("tosa32", int8, x.multiplier, x.shift, 64'(x.zero_point));
            default: other = new("ruy", int8, x.multiplier, x.shift, 64'(x.zero_point));
        endcase
    endtask

    // The least and the greatest value that the rule takes.
    /* verilator lint_off UNUSEDSIGNAL */
    function automatic longint bound(driven x);
        return x.mode == 2'd2 || x.shift > 32 ? 64'd1 << 31 : 64'd1 << (x.shift - 1);
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    // Another value of the same layer; the expected output comes from the library.
    task automatic next(inout driven x);
        longint v, product, high, half;
        int m;
        m = int'(x.mode);
        case (random.below(8))
            0: v = longint'(signed'(random.bits()));
            1: v = random.once_in(2) ? bound(x) - 1 : -bound(x);
            2: v = longint'(random.between(-3, 3));
            // What ends beyond the output's ends, and just there.
            3: v = near(x, (random.once_in(2) ? 127 : -128) - x.zero_point) + longint'(random.between(-2, 2));
            4: v = near(x, 2 * (random.between(-140, 140) - x.zero_point)) / 2;
            default: v = near(x, random.between(-200, 200) - x.zero_point) + longint'(random.between(-1, 1));
        endcase
        if (v >= bound(x)) v = bound(x) - 1;
        if (v < -bound(x)) v = -bound(x);
        x.value = int'(v);
        x.want = rule.run(v);

        product = v * longint'(x.multiplier);
        if (m == 2) begin
            product = longint'(int'(v << (x.shift > 0 ? x.shift : 0))) * longint'(x.multiplier);
            high = (product + (64'sd1 <<< 30)) >>> 31;
            half = x.shift < 0 ? 64'sd1 <<< (-x.shift - 1) : 64'sd0;
            sb.hit(tie[m], half != 0 && (high & (2 * half - 1)) == half);
            sb.hit(tie_away, x.want < other.run(v));
            sb.hit(saturated, product == 64'sd1 <<< 62);
            sb.hit(lost, x.shift > 0 && longint'(int'(v << x.shift)) != v << x.shift);
        end else begin
            half = 64'sd1 <<< (x.shift - 1);
            sb.hit(tie[m], (product & (2 * half - 1)) == half);
            if (m == 1) sb.hit(twice, x.want != other.run(v));
            sb.hit(long_shift, x.shift > 31);
        end
        sb.hit(moved[m], x.zero_point != 0);
        sb.hit(largest[m], v == bound(x) - 1 || v == -bound(x));
        // Whether it was clamped shows without the zero point's room: one step further changes nothing.
        if (x.want == 127 || x.want == -128) begin
            longint far;
            far = reach(x, v);
            sb.hit(most[m], far == 127);
            sb.hit(least[m], far == -128);
            sb.hit(clamped_up[m], far > 127);
            sb.hit(clamped_down[m], far < -128);
        end
    endtask

    // The output before the clamp, from an output format that has the room.
    fewbit_format int32;
    /* verilator lint_off UNUSEDSIGNAL */
    function automatic longint reach(driven x, longint v);
        fewbit_requantizer wide;
        longint far;
        wide = new(name_of(int'(x.mode)), int32, x.multiplier, x.shift, 64'(x.zero_point));
        far = wide.run(v);
        wide.close();
        return far;
    endfunction
    /* verilator lint_on UNUSEDSIGNAL */

    task automatic tick(driven x);
        @(negedge clk);
        if (out_valid != ago3.valid)
            void'(sb.check(1'b0, $sformatf("cycle %0d: out_valid is %0d, expected %0d", cycle, out_valid, ago3.valid)));
        if (ago3.valid) begin
            if (longint'(out) == ago3.want) sb.agree();
            else begin
                void'(sb.check_value(longint'(out), ago3.want, $sformatf("cycle %0d, %s", cycle, name_of(int'(ago3.mode))), 8));
                sb.explain($sformatf("value %0d, multiplier %0d, shift %0d, zero point %0d; exact product %0d", ago3.value,
                                     ago3.multiplier, ago3.shift, ago3.zero_point,
                                     longint'(ago3.value) * longint'(ago3.multiplier)));
                sb.explain($sformatf("before the clamp: %0d", reach(ago3, longint'(ago3.value))));
            end
        end
        ago3 = ago2;
        ago2 = ago1;
        ago1 = x;
        value      = x.value;
        multiplier = x.multiplier;
        shift      = x.shift[6:0];
        zero_point = x.zero_point[7:0];
        mode       = x.mode;
        valid      = x.valid;
        cycle      = cycle + 1;
    endtask

    initial begin
        longint unsigned vectors;
        driven x;
        fewbit_start();
        vectors = fewbit_plusarg("vectors", 1000000);
        random = new(fewbit_plusarg("seed", 1));
        int8 = new("int8");
        int32 = new("int32");
        rule = new("tosa32", int8, 1, 2);
        other = new("tosa32", int8, 1, 2);
        sb = new("requantizer tosa32, tosa32-double, gemmlowp");
        declare();
        cycle = 0;
        ago1 = '0;
        ago2 = '0;
        ago3 = '0;
        repeat (4) @(negedge clk);
        rst = 0;
        while (sb.compared < vectors) begin
            choose(x);
            repeat (24) begin
                next(x);
                x.valid = 1'b1;
                tick(x);
                if (random.once_in(32)) begin
                    sb.hit(gap);
                    x.valid = 1'b0;
                    tick(x);
                end
            end
        end
        x.valid = 1'b0;
        repeat (4) tick(x);
        sb.finish();
    end
endmodule
