// A dot unit as tensor cores have it: LANES products of FP8 elements and a float register are aligned to the largest exponent among
// them, cut there to F fraction bits toward zero, summed, and the sum is truncated to the register's format. As an accumulator:
// `aligned<F>-rz:e<E>m<M>-rz*<LANES>`.
//
// A product has the sum of its factors' exponents, so that its significand lies below 4; a zero has none. F >= 2 XM, F >= M.
//
//     cycle 0   valid, first (the register starts from 0), a, b
//     cycle 1   products
//     cycle 2   `out_valid`, `out`
module aligned_dot #(
    parameter int LANES    = 16,
    parameter int XE       = 4,
    parameter int XM       = 3,
    parameter int F        = 13,
    parameter int E        = 8,
    parameter int M        = 13,
    parameter string FAULT = "none"
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      valid,
    input  logic                      first,
    input  logic [LANES-1:0][XE+XM:0] a,
    input  logic [LANES-1:0][XE+XM:0] b,
    output logic                      out_valid,
    output logic [E+M:0]              out
);
    localparam int X = 2 * (XM + 1);              // bits of a product's significand
    localparam int G = FAULT == "fraction" ? F - 1 : F;
    localparam int C = F + 2;                     // bits of an addend after the cut
    localparam int S = C + $clog2(LANES + 1);     // bits of the sum's magnitude
    typedef logic signed [15:0] power;

    // Cycle 1: products.
    logic [LANES-1:0] signs, nans, zeros;
    logic [LANES-1:0][X-1:0] significands;
    power powers[LANES];
    for (genvar i = 0; i < LANES; i++) begin : lane
        logic a_sign, a_nan, b_sign, b_nan;
        logic [XM:0] a_significand, b_significand;
        power a_power, b_power;
        /* verilator lint_off PINCONNECTEMPTY */
        fp_unpack #(.E(XE), .M(XM), .FN(1'b1), .FAULT(FAULT)) unpack_a (
            .code(a[i]), .sign(a_sign), .significand(a_significand), .exponent(a_power), .infinite(), .nan(a_nan));
        fp_unpack #(.E(XE), .M(XM), .FN(1'b1)) unpack_b (
            .code(b[i]), .sign(b_sign), .significand(b_significand), .exponent(b_power), .infinite(), .nan(b_nan));
        /* verilator lint_on PINCONNECTEMPTY */
        wire [X-1:0] product = X'(a_significand) * X'(b_significand);
        wire left_out = FAULT == "lane" && i == LANES - 1;
        // A fault: products of 2 and more are renormalised before they are compared.
        wire carry = FAULT == "normalised" && product[X-1];
        always_ff @(posedge clk) begin
            signs[i]        <= a_sign ^ b_sign;
            significands[i] <= left_out ? '0 : product;
            zeros[i]        <= left_out | product == '0;
            nans[i]         <= a_nan | b_nan;
            powers[i]       <= a_power + b_power + power'(2 * XM) + power'({15'd0, carry});
        end
    end
    logic product_valid, product_first;
    always_ff @(posedge clk) begin
        product_valid <= valid & ~rst;
        product_first <= first;
    end

    // Cycle 2: the largest exponent, the cuts, the sum.
    wire [E+M:0] register = product_first ? '0 : out;
    logic r_sign, r_nan, r_infinite;
    logic [M:0] r_significand;
    power r_lowest;
    fp_unpack #(.E(E), .M(M), .FN(1'b0)) unpack_register (
        .code(register), .sign(r_sign), .significand(r_significand), .exponent(r_lowest), .infinite(r_infinite), .nan(r_nan));
    wire power r_power = r_lowest + power'(M);

    // A significand with `bits` fraction bits, so many places further to the right, cut to G.
    function automatic logic [S:0] cut(logic sign, logic [C-1:0] wide, power distance);
        logic [C-1:0] kept;
        logic lost;
        kept = distance >= power'(C) ? '0 : wide >> distance;
        if (G != F) kept[0] = 1'b0;
        lost = (distance >= power'(C) ? '0 : kept << distance) != wide;
        // A fault: two's complement shifted right rounds down, away from zero where it is negative.
        if (FAULT == "floor" && sign && lost) kept = kept + 1'b1;
        return sign ? -(S + 1)'(kept) : (S + 1)'(kept);
    endfunction

    power top;
    logic [S:0] total;
    always_comb begin
        top = -16'sd2048;
        if (r_significand != '0 && FAULT != "register_left_out") top = r_power;
        for (int i = 0; i < LANES; i++) if (!zeros[i] && powers[i] > top) top = powers[i];
        total = cut(r_sign, C'(r_significand) << (F - M), r_power > top ? 16'sd0 : top - r_power);
        for (int i = 0; i < LANES; i++)
            if (!zeros[i])
                total = total + cut(signs[i], FAULT == "normalised" && significands[i][X-1] ?
                                    C'(significands[i]) << (F - 2 * XM - 1) : C'(significands[i]) << (F - 2 * XM), top - powers[i]);
    end

    logic [E+M:0] next;
    logic [2:0] unused;
    fp_add_round #(.S(S), .E(E), .M(M), .TRUNCATE(1'b1), .FAULT(FAULT)) truncate (
        .register('0), .sign(total[S]), .magnitude(S'(total[S] ? -total : total)), .exponent(top - power'(F)),
        .infinite(r_infinite), .nan(r_nan | (|nans)), .next, .overflow(unused[0]), .underflow(unused[1]), .inexact(unused[2]));
    logic done;
    always_ff @(posedge clk) begin
        done <= product_valid & ~rst;
        if (product_valid) out <= next;
    end
    if (FAULT == "late") begin : late
        always_ff @(posedge clk) out_valid <= done;
    end else begin : in_time
        assign out_valid = done;
    end
endmodule
