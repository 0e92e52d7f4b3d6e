// A value, CYCLES later.
module delay #(
    parameter int BITS   = 1,
    parameter int CYCLES = 1
) (
    input  logic            clk,
    input  logic [BITS-1:0] in,
    output logic [BITS-1:0] out
);
    if (CYCLES == 0) begin : none
        assign out = in;
        wire unused = clk;
    end else begin : some
        localparam int ALL = CYCLES * BITS;
        logic [ALL-1:0] held;
        always_ff @(posedge clk) held <= ALL'({held, in});
        assign out = held[ALL-1-:BITS];
    end
endmodule
