// One element: its weight, the activation that passes through, the sum that leaves downward.
module systolic_pe #(
    parameter int W = 4, A = 8, P = 12,
    parameter bit P_SATURATE = 1'b1,
    parameter string FAULT = "none"
) (
    input  logic                clk,
    input  logic                load,
    input  logic        [W-1:0] weight_above,
    output logic        [W-1:0] weight,
    input  logic        [A:0]   act_left,   // with its valid bit on top
    output logic        [A:0]   act,
    input  logic signed [P-1:0] sum_above,
    output logic signed [P-1:0] sum
);
    localparam int M = W + A + 1;
    localparam int S = (P > M ? P : M) + 1;
    wire signed [M-1:0] product = M'(signed'(weight)) * M'(signed'({1'b0, act_left[A-1:0]}));
    logic signed [P-1:0] next;
    logic unused;
    fit #(.S(S), .P(P), .SATURATE(P_SATURATE),
          .FAULT(FAULT == "narrow" ? "narrow" : FAULT == "wrap" ? "wrap" : FAULT == "limit" ? "limit" : "none"))
        fit_sum (.sum(S'(sum_above) + S'(product)), .value(next), .overflow(unused));
    always_ff @(posedge clk) begin
        if (load) weight <= weight_above;
        act <= act_left;
        sum <= next;
    end
endmodule
