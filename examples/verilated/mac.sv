// A multiply-accumulate unit: an int8 and a uint8 a cycle into a register of P bits that saturates or wraps.
module mac #(
    parameter int P = 16,
    parameter bit SATURATE = 1
) (
    input  logic                clk,
    input  logic                clear,
    input  logic signed [7:0]   a,
    input  logic        [7:0]   b,
    output logic signed [P-1:0] sum,
    output logic                overflow
);
    localparam logic signed [P:0] MAX = {2'b00, {P - 1{1'b1}}};
    localparam logic signed [P:0] MIN = {2'b11, {P - 1{1'b0}}};

    // The product has 17 bits with its sign, the exact sum at most one more than the wider of it and the register.
    localparam int W = (P > 17 ? P : 17) + 1;
    logic signed [W-1:0] exact;
    logic                outside;
    assign exact   = W'(sum) + W'(a * $signed({1'b0, b}));
    assign outside = exact > W'(MAX) || exact < W'(MIN);

    always_ff @(posedge clk) begin
        if (clear) begin
            sum      <= '0;
            overflow <= 1'b0;
        end else begin
            overflow <= outside;
            if (outside && SATURATE) sum <= exact < 0 ? MIN[P-1:0] : MAX[P-1:0];
            else sum <= exact[P-1:0];
        end
    end
endmodule
