// A code of a small float as sign, significand and exponent: value = (-1)^sign * significand * 2^exponent.
//
// E exponent bits with bias 2^(E-1) - 1, M mantissa bits. Specials: those of IEEE 754, or, with FN, a single NaN magnitude of all
// ones (OCP E4M3); with neither (SPECIALS = 0) every code is a number (OCP FP4, FP6).
module fp_unpack #(
    parameter int E        = 4,
    parameter int M        = 3,
    parameter bit FN       = 1'b1,
    parameter bit SPECIALS = 1'b1,
    parameter string FAULT = "none"
) (
    input  logic [E+M:0]       code,
    output logic               sign,
    output logic [M:0]         significand,
    output logic signed [15:0] exponent,
    output logic               infinite,
    output logic               nan
);
    localparam int BIAS = (1 << (E - 1)) - 1;
    wire [E-1:0] field    = code[E+M-1:M];
    wire [M-1:0] mantissa = code[M-1:0];
    wire normal = field != '0;
    wire top = SPECIALS & (&field) & (FAULT != "nan_missed");
    assign sign        = code[E+M];
    assign significand = {normal & (FAULT != "hidden_bit"), mantissa};
    assign exponent    = 16'(field) + (normal | (FAULT == "subnormal") ? 16'sd0 : 16'sd1) - 16'(BIAS + M);
    assign infinite    = top & !FN & (mantissa == '0);
    assign nan         = top & (FN ? &mantissa : mantissa != '0);
endmodule
