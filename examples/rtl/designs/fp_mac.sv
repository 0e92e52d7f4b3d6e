// A float multiply-accumulate: FP8 operands, an exact product, and a register of E exponent and M mantissa bits that takes it with
// one rounding to nearest even. As an accumulator: `e<E>m<M>-rne`.
//
//     cycle 0   valid, first (the register starts from 0), a, b
//     cycle 1   the product is in its register
//     cycle 2   `out_valid`, `out`, and the flags of this step
module fp_mac #(
    parameter int AE       = 4,      // a: exponent and mantissa bits, and whether its specials are those of `fn` formats
    parameter int AM       = 3,
    parameter bit AFN      = 1'b1,
    parameter int BE       = 4,
    parameter int BM       = 3,
    parameter bit BFN      = 1'b1,
    parameter int E        = 8,
    parameter int M        = 7,
    parameter string FAULT = "none"
) (
    input  logic           clk,
    input  logic           rst,
    input  logic           valid,
    input  logic           first,
    input  logic [AE+AM:0] a,
    input  logic [BE+BM:0] b,
    output logic           out_valid,
    output logic [E+M:0]   out,
    output logic           overflow,
    output logic           underflow,
    output logic           inexact
);
    localparam int S = AM + BM + 2;

    logic a_sign, a_infinite, a_nan, b_sign, b_infinite, b_nan;
    logic [AM:0] a_significand;
    logic [BM:0] b_significand;
    logic signed [15:0] a_exponent, b_exponent;
    fp_unpack #(.E(AE), .M(AM), .FN(AFN), .FAULT(FAULT)) unpack_a (
        .code(a), .sign(a_sign), .significand(a_significand), .exponent(a_exponent), .infinite(a_infinite), .nan(a_nan));
    fp_unpack #(.E(BE), .M(BM), .FN(BFN)) unpack_b (
        .code(b), .sign(b_sign), .significand(b_significand), .exponent(b_exponent), .infinite(b_infinite), .nan(b_nan));

    // Cycle 1: the product.
    logic sign, infinite, nan, product_valid, product_first;
    logic [S-1:0] magnitude;
    logic signed [15:0] exponent;
    wire a_zero = a_significand == '0, b_zero = b_significand == '0;
    always_ff @(posedge clk) begin
        sign          <= a_sign ^ b_sign;
        magnitude     <= S'(a_significand) * S'(b_significand);
        exponent      <= a_exponent + b_exponent;
        infinite      <= a_infinite | b_infinite;
        nan           <= a_nan | b_nan | (a_infinite & b_zero) | (b_infinite & a_zero);
        product_valid <= valid & ~rst;
        product_first <= first;
    end

    // Cycle 2: the register.
    logic [E+M:0] next;
    logic next_overflow, next_underflow, next_inexact, done;
    fp_add_round #(.S(S), .E(E), .M(M), .FAULT(FAULT)) add (
        .register(product_first ? '0 : out), .sign, .magnitude, .exponent, .infinite, .nan, .next,
        .overflow(next_overflow), .underflow(next_underflow), .inexact(next_inexact));
    always_ff @(posedge clk) begin
        done <= product_valid & ~rst;
        if (product_valid) begin
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
