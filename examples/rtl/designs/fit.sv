// A sum into a two's complement register of P bits that wraps or saturates, and whether the register lacked the bits.
//
//     overflow = sum < -2^(P-1) or sum > 2^(P-1) - 1
//     value    = sum, or the nearest end of the range (SATURATE), or the low P bits
module fit #(
    parameter int S        = 20,  // bits of the sum
    parameter int P        = 12,  // bits of the register, fewer than S
    parameter bit SATURATE = 1'b1,
    parameter string FAULT = "none"
) (
    input  logic signed [S-1:0] sum,
    output logic signed [P-1:0] value,
    output logic                overflow
);
    localparam bit CLAMP = FAULT == "wrap" ? 1'b0 : FAULT == "saturate" ? 1'b1 : SATURATE;
    // The bits that a narrower register would have.
    localparam int Q = FAULT == "narrow" ? P - 1 : P;
    localparam logic signed [P-1:0] LEAST = FAULT == "limit" ? P'(-(1 << (Q - 1)) + 1) : P'(-(1 << (Q - 1)));
    localparam logic signed [P-1:0] MOST = P'((1 << (Q - 1)) - 1);

    // What stands above the register's bits must be copies of its sign.
    assign overflow = sum[S-1:Q-1] != {(S - Q + 1) {sum[S-1]}};
    always_comb begin
        if (!overflow || !CLAMP) value = P'(signed'(sum[Q-1:0]));
        else value = sum[S-1] ? LEAST : MOST;
    end
endmodule
