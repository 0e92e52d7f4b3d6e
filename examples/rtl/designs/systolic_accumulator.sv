// What stands below column C: a register per vector of a pass.
module systolic_accumulator #(
    parameter int C = 0, R = 8, D = 16, P = 12, Q = 14,
    parameter bit Q_SATURATE = 1'b1,
    parameter string FAULT = "none"
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                first,
    input  logic                last,
    input  logic                valid,
    input  logic signed [P-1:0] sum,
    output logic                out_valid,
    output logic signed [Q-1:0] out
);
    localparam int S = (Q > P ? Q : P) + 1;
    localparam int N = $clog2(D);
    // First and last of a pass travel beside its sums.
    logic starts, ends;
    delay #(.BITS(2), .CYCLES(R + C)) pass (.clk, .in({first, last}), .out({starts, ends}));

    logic signed [Q-1:0] sums[D];
    logic [N-1:0] at;
    logic signed [Q-1:0] next;
    logic unused;
    wire signed [Q-1:0] held = starts && FAULT != "not_cleared" ? '0 : sums[at];
    fit #(.S(S), .P(Q), .SATURATE(Q_SATURATE), .FAULT(FAULT == "outer_narrow" ? "narrow" : "none"))
        fit_sum (.sum(S'(held) + S'(sum)), .value(next), .overflow(unused));
    always_ff @(posedge clk) begin
        out_valid <= valid & ends & ~rst;
        out       <= next;
        if (rst) at <= '0;
        else if (valid) begin
            sums[at] <= next;
            at       <= at == N'(D - 1) ? '0 : at + 1'b1;
        end
    end
endmodule
