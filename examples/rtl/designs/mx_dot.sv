// An MX dot unit: LANES elements a and b under one E8M0 scale each, their products summed exactly in fixed point, and the sum taken by
// a float register with one rounding to nearest even. As an accumulator of elements under scales: `e<E>m<M>-rne*<LANES>`.
//
// A product of two elements is a multiple of 2^(2 (1 - bias - XM)), so that a tree of adders needs no alignment; the two scales
// only move the exponent of its sum. OCP MX 1.0: a scale of 0xff is NaN, else 2^(code - 127).
//
//     cycle 0   valid, first (the register starts from 0), a, scale_a, b, scale_b
//     cycle 1   products
//     cycle 2   their sum
//     cycle 3   `out_valid`, `out`, and the flags of this step
module mx_dot #(
    parameter int LANES    = 32,
    parameter int XE       = 4,      // exponent and mantissa bits of an element
    parameter int XM       = 3,
    parameter bit NANS     = 1'b1,   // whether all ones is NaN (FP8), or a number (FP6, FP4)
    parameter int E        = 8,
    parameter int M        = 23,
    parameter string FAULT = "none"
) (
    input  logic                        clk,
    input  logic                        rst,
    input  logic                        valid,
    input  logic                        first,
    input  logic [LANES-1:0][XE+XM:0]   a,
    input  logic [7:0]                  scale_a,
    input  logic [LANES-1:0][XE+XM:0]   b,
    input  logic [7:0]                  scale_b,
    output logic                        out_valid,
    output logic [E+M:0]                out,
    output logic                        overflow,
    output logic                        underflow,
    output logic                        inexact
);
    localparam int BIAS = (1 << (XE - 1)) - 1;
    localparam int LOWEST = 2 * (1 - BIAS - XM);               // exponent of a product's lowest bit
    localparam int F = 2 * (XM + 1 + (1 << XE) - 2);           // bits of a product in fixed point, without sign
    localparam int S = F + $clog2(LANES);                      // bits of the sum's magnitude
    localparam int KEPT = FAULT == "tree" ? S - 6 : S;         // a fault: the adders are too narrow

    // Cycle 1: products.
    logic [LANES-1:0][S:0] products;
    logic [LANES-1:0] nans, minus_zeros;
    for (genvar i = 0; i < LANES; i++) begin : lane
        logic a_sign, a_nan, b_sign, b_nan;
        logic [XM:0] a_significand, b_significand;
        logic signed [15:0] a_exponent, b_exponent;
        /* verilator lint_off PINCONNECTEMPTY */
        fp_unpack #(.E(XE), .M(XM), .FN(1'b1), .SPECIALS(NANS), .FAULT(FAULT)) unpack_a (
            .code(a[i]), .sign(a_sign), .significand(a_significand), .exponent(a_exponent), .infinite(), .nan(a_nan));
        fp_unpack #(.E(XE), .M(XM), .FN(1'b1), .SPECIALS(NANS)) unpack_b (
            .code(b[i]), .sign(b_sign), .significand(b_significand), .exponent(b_exponent), .infinite(), .nan(b_nan));
        /* verilator lint_on PINCONNECTEMPTY */
        wire [15:0] up = a_exponent + b_exponent - 16'(LOWEST);
        wire [S:0] magnitude = ((S + 1)'(a_significand) * (S + 1)'(b_significand)) << up;
        always_ff @(posedge clk) begin
            if (FAULT == "lane" && i == LANES - 1) products[i] <= '0;
            else products[i] <= a_sign ^ b_sign ? -magnitude : magnitude;
            nans[i]        <= a_nan | b_nan;
            minus_zeros[i] <= (a_sign ^ b_sign) & (magnitude == '0);
        end
    end
    logic [1:0] valids, firsts;
    logic nan_scale;
    logic signed [15:0] scale;
    always_ff @(posedge clk) begin
        valids    <= {valids[0], valid} & {2 {~rst}};
        firsts    <= {firsts[0], first};
        nan_scale <= (scale_a == 8'hff | scale_b == 8'hff) & (FAULT != "nan_scale");
        scale     <= 16'(scale_a) + (FAULT == "scale" ? 16'd127 : 16'(scale_b)) - (FAULT == "bias" ? 16'd253 : 16'd254);
    end

    // Cycle 2: the sum.
    logic [S:0] total;
    always_comb begin
        total = '0;
        for (int i = 0; i < LANES; i++) total = total + products[i];
    end
    logic sign, nan;
    logic [S-1:0] magnitude;
    logic signed [15:0] exponent;
    always_ff @(posedge clk) begin
        sign      <= total == '0 ? &minus_zeros : total[S];
        magnitude <= S'(KEPT'(total[S] ? -total : total));
        exponent  <= scale + 16'(LOWEST);
        nan       <= (|nans) | nan_scale;
    end

    // Cycle 3: the register.
    logic [E+M:0] next;
    logic next_overflow, next_underflow, next_inexact, done;
    fp_add_round #(.S(S), .E(E), .M(M), .FAULT(FAULT)) add (
        .register(firsts[1] ? '0 : out), .sign, .magnitude, .exponent, .infinite(1'b0), .nan, .next,
        .overflow(next_overflow), .underflow(next_underflow), .inexact(next_inexact));
    always_ff @(posedge clk) begin
        done <= valids[1] & ~rst;
        if (valids[1]) begin
            out <= next;
            {overflow, underflow, inexact} <= {next_overflow, next_underflow, next_inexact};
        end
    end
    if (FAULT == "late") begin : late
        always_ff @(posedge clk) out_valid <= done;
    end else begin : in_time
        assign out_valid = done;
    end
endmodule
