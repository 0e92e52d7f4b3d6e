// The next value of a float register: register + addend, rounded once: to nearest, ties to even, or, with TRUNCATE, toward zero.
//
// The register is a code of E exponent and M mantissa bits with IEEE 754's specials; the addend is exact, (-1)^sign * magnitude *
// 2^exponent, or a special. Subnormal values are kept; NaN is the quiet one without sign.
//
//     1. the register is unpacked, the addend normalised
//     2. the one with the smaller exponent is shifted to the right; what falls off is OR'd into one sticky bit
//     3. sum or difference of the magnitudes
//     4. normalised, but not below the smallest normal exponent; rounded; packed
module fp_add_round #(
    parameter int S        = 8,     // bits of the addend's magnitude
    parameter int E        = 8,
    parameter int M        = 7,
    parameter bit TRUNCATE = 1'b0,  // the value is then within the range: what lies beyond becomes infinity
    parameter string FAULT = "none"
) (
    input  logic [E+M:0]       register,
    input  logic               sign,
    input  logic [S-1:0]       magnitude,
    input  logic signed [15:0] exponent,
    input  logic               infinite,
    input  logic               nan,
    output logic [E+M:0]       next,
    output logic               overflow,
    output logic               underflow,   // tiny after rounding, and inexact
    output logic               inexact
);
    localparam int BIAS = (1 << (E - 1)) - 1;
    localparam int LEAST = 1 - BIAS;            // exponent of the smallest normal value
    // Room for both significands side by side and a guard; then a sticky bit below and a carry above.
    localparam int V = S + M + 5;
    localparam int T = V + 2;

    // 1.
    logic r_sign, r_infinite, r_nan;
    logic [M:0] r_significand;
    logic signed [15:0] r_lowest;               // exponent of the lowest bit
    fp_unpack #(.E(E), .M(M), .FN(1'b0)) unpack (
        .code(register), .sign(r_sign), .significand(r_significand), .exponent(r_lowest), .infinite(r_infinite), .nan(r_nan));
    wire signed [15:0] r_top = r_lowest + 16'(M);

    logic [15:0] a_zeros;
    logic [S-1:0] a_normal;
    normalise #(.BITS(S)) normalise_addend (.in(magnitude), .most(16'hffff), .out(a_normal), .shift(a_zeros));
    wire signed [15:0] a_top = exponent + 16'(S - 1) - signed'(a_zeros);
    wire a_zero = magnitude == '0;

    // 2.
    wire a_larger = !a_zero & (a_top > r_top);
    wire signed [15:0] top = a_larger ? a_top : r_top;
    wire [15:0] distance = a_larger ? a_top - r_top : r_top - a_top;
    wire [V-1:0] r_wide = {r_significand, {(V - M - 1) {1'b0}}};
    wire [V-1:0] a_wide = {a_normal, {(V - S) {1'b0}}};
    wire [V-1:0] upper = a_larger ? a_wide : r_wide;
    wire [V-1:0] lower = a_larger ? r_wide : a_wide;
    wire [V-1:0] shifted = distance >= 16'(V) ? '0 : lower >> distance;
    wire [V-1:0] kept = distance >= 16'(V) ? '0 : shifted << distance;
    wire sticky = (kept != lower) & (FAULT != "sticky");

    // 3.
    wire upper_sign = a_larger ? sign : r_sign, lower_sign = a_larger ? r_sign : sign;
    wire [T-1:0] x = {1'b0, upper, 1'b0}, y = {1'b0, shifted, sticky};
    wire same = upper_sign == lower_sign;
    wire negative = !same & (y > x);
    wire [T-1:0] sum = same ? x + y : negative ? y - x : x - y;
    wire sum_sign = negative ? lower_sign : upper_sign;

    // 4.
    wire [15:0] room = top + 16'sd1 - 16'(LEAST);
    logic [T-1:0] normal;
    logic [15:0] shift;
    normalise #(.BITS(T)) normalise_sum (.in(sum), .most(room), .out(normal), .shift);
    wire [15:0] field = normal[T-1] ? room - shift + 16'd1 : 16'd0;
    wire [M-1:0] mantissa = normal[T-2-:M];
    wire guard = normal[T-2-M], round = normal[T-3-M], rest = |normal[T-4-M:0];
    wire up = FAULT == "ties_away" ? guard : TRUNCATE || FAULT == "truncate" ? 1'b0 : guard & (round | rest | mantissa[0]);
    wire [E+M+1:0] packed_up = {2'(field >> E), field[E-1:0], mantissa} + (E + M + 2)'(up);
    wire too_large = (field >> E) != 16'd0 | packed_up[E+M+1:M] >= (E + 2)'((1 << E) - 1);
    wire is_inexact = guard | round | rest;
    // With one more bit of precision it would have been rounded up to the smallest normal value.
    wire tiny = !normal[T-1] & (TRUNCATE | !((&mantissa) & guard & round));

    wire is_nan = nan | r_nan | (infinite & r_infinite & (sign != r_sign));
    always_comb begin
        {overflow, underflow, inexact} = 3'b000;
        if (is_nan) next = {1'b0, {E {1'b1}}, 1'b1, {(M - 1) {1'b0}}};
        else if (infinite | r_infinite) next = {infinite ? sign : r_sign, {E {1'b1}}, {M {1'b0}}};
        else if (sum == '0) begin
            // Two zeros keep a sign that they share; what cancels is +0.
            next = {a_zero & r_sign & sign & (FAULT != "zero_sign"), {(E + M) {1'b0}}};
        end else if (too_large) begin
            next = {sum_sign, {E {1'b1}}, {M {1'b0}}};
            {overflow, underflow, inexact} = 3'b101;
        end else begin
            next = {sum_sign, packed_up[E+M-1:0]};
            {overflow, underflow, inexact} = {1'b0, tiny & is_inexact, is_inexact};
        end
    end
endmodule
