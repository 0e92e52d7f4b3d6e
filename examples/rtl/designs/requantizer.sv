// From an accumulator's 32 bits to the next layer's 8, by the rule of a stack: multiplier and shift, zero point, clamp.
//
//     mode 0   TOSA 1.0 apply_scale_32, SINGLE_ROUND   (x m + 2^(s-1)) >> s                        2 <= s <= 62
//     mode 1   the same in DOUBLE_ROUND                 for s > 31 the sum starts 2^30 further from 0
//     mode 2   gemmlowp: the doubling high product of x 2^max(s, 0) and m, saturated;              -31 <= s <= 30
//              then a division by 2^max(-s, 0), ties away from zero
//
//     cycle 0   valid, mode, value, multiplier, shift, zero_point
//     cycle 1   the product, with what rounds it
//     cycle 2   the scaled value
//     cycle 3   `out_valid`, `out`
module requantizer #(
    parameter string FAULT = "none"
) (
    input  logic               clk,
    input  logic               rst,
    input  logic               valid,
    input  logic        [1:0]  mode,
    input  logic signed [31:0] value,
    input  logic signed [31:0] multiplier,
    input  logic signed [6:0]  shift,
    input  logic signed [7:0]  zero_point,
    output logic               out_valid,
    output logic signed [7:0]  out
);
    wire gemmlowp = mode == 2'd2;

    // Cycle 1. What a left shift pushes out of 32 bits is lost, as in C.
    wire [5:0] left = gemmlowp & !shift[6] ? shift[5:0] : 6'd0;
    wire signed [31:0] shifted = value << left;
    logic signed [63:0] rounder;
    always_comb begin
        rounder = gemmlowp ? 64'sd1 <<< 30 : 64'sd1 <<< (shift[5:0] - 6'd1);
        if (mode == 2'd1 && FAULT != "double" && shift > 7'sd31)
            rounder = rounder + (value[31] ? -(64'sd1 <<< 30) : 64'sd1 <<< 30);
        if (FAULT == "no_rounding") rounder = '0;
    end
    logic signed [63:0] product;
    logic [5:0] right;
    logic gemmlowp1, saturates;
    logic signed [7:0] zero1, zero2;
    always_ff @(posedge clk) begin
        product   <= 64'(shifted) * 64'(multiplier) + rounder;
        gemmlowp1 <= gemmlowp;
        right     <= gemmlowp ? (shift[6] ? 6'(-shift) : 6'd0) : shift[5:0];
        // The one product that the doubling high product has no room for.
        saturates <= gemmlowp & (shifted == 32'sh8000_0000) & (multiplier == 32'sh8000_0000);
        zero1     <= zero_point;
    end

    // Cycle 2.
    wire signed [31:0] high = saturates & (FAULT != "saturation") ? 32'sh7fff_ffff : product[62:31];
    wire [31:0] mask = (32'd1 << right) - 32'd1;
    wire [31:0] remainder = high & mask;
    // Half, and one more for negative values: ties go away from zero.
    wire away = high[31] && FAULT != "ties_up";
    wire [31:0] threshold = (mask >> 1) + {31'd0, away};
    wire signed [31:0] quotient = high >>> right;
    wire signed [31:0] divided = quotient + {31'd0, remainder > threshold};
    logic signed [31:0] scaled;
    always_ff @(posedge clk) begin
        scaled <= gemmlowp1 ? divided : 32'(product >>> right);
        zero2  <= zero1;
    end

    // Cycle 3.
    wire signed [32:0] moved = 33'(scaled) + (FAULT == "zero_point" ? 33'sd0 : 33'(zero2));
    localparam logic signed [32:0] MOST = FAULT == "limit" ? 33'sd126 : 33'sd127;
    logic [2:0] valids;
    logic done_late;
    always_ff @(posedge clk) begin
        valids    <= {valids[1:0], valid} & {3 {~rst}};
        done_late <= valids[2];
        if (FAULT == "wrap") out <= moved[7:0];
        else out <= moved > MOST ? 8'(MOST) : moved < -33'sd128 ? 8'sh80 : moved[7:0];
    end
    assign out_valid = FAULT == "late" ? done_late : valids[2];
endmodule
