// Lanes of multiply-accumulate units: signed 8-bit operands, a register of P bits that saturates.
//
// FAULT plants a defect for the scoreboard to find: 1 wraps at the lower end, 2 leaves a bit of the register out of the reset.
`timescale 1ns / 1ps

module sat_mac #(
    parameter LANES = 4,
    parameter P = 18,
    parameter FAULT = 0
) (
    input wire clk,
    input wire rst,
    input wire valid,
    input wire [8 * LANES - 1:0] a,
    input wire [8 * LANES - 1:0] b,
    output wire [P * LANES - 1:0] acc
);
    localparam signed [P:0] HIGH = {2'b00, {(P - 1) {1'b1}}};
    localparam signed [P:0] LOW = {2'b11, {(P - 1) {1'b0}}};

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            wire signed [7:0] x = a[8 * lane +: 8];
            wire signed [7:0] y = b[8 * lane +: 8];
            wire signed [15:0] product = x * y;
            reg signed [P - 1:0] register;
            // One bit more than the register, so that the sum is exact.
            wire signed [P:0] sum = register + product;
            always @(posedge clk)
                if (rst) begin
                    if (FAULT == 2 && lane == 1) register[P - 2:0] <= 0;
                    else register <= 0;
                end else if (valid) begin
                    if (sum > HIGH) register <= HIGH[P - 1:0];
                    else if (sum < LOW && FAULT != 1) register <= LOW[P - 1:0];
                    else register <= sum[P - 1:0];
                end
            assign acc[P * lane +: P] = register;
        end
    endgenerate
endmodule
