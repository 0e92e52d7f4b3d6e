// Shifts to the left until the top bit is set, by no more than `most`.
module normalise #(
    parameter int BITS = 8
) (
    input  logic [BITS-1:0] in,
    input  logic [15:0]     most,
    output logic [BITS-1:0] out,
    output logic [15:0]     shift
);
    logic [15:0] zeros;
    always_comb begin
        zeros = 16'(BITS);
        for (int i = 0; i < BITS; i++)
            if (in[i]) zeros = 16'(BITS - 1 - i);
        shift = zeros > most ? most : zeros;
        out   = in << shift;
    end
endmodule
