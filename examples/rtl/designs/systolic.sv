// A weight-stationary systolic array of R rows and C columns. Activations move to the right, partial sums of P bits downward; below
// each column an accumulator of Q bits per vector takes the sums of passes with other weights. Every output is summed through
// `int<P>-<wrap|sat>/<R>,int<Q>-<wrap|sat>`, with k = pass * R + row.
//
// A pass: `load` for R cycles, each with a row of weights from the last to the first; then D vectors of R activations,
// one per cycle with `valid`, and R + C cycles until the last sum has left. `first` and `last` are those of the pass.
//
//     cycle t           vector m enters
//     cycle t+1+r+c     PE (r, c) has the sum of rows 0 to r of vector m and column c (`pe_valid`, `pe_sum`)
//     cycle t+1+R+c     the accumulator of column c has it; after the last pass `out_valid[c]` and `out[c]`
module systolic #(
    parameter int R              = 8,
    parameter int C              = 8,
    parameter int D              = 16,   // vectors of a pass
    parameter int W              = 4,
    parameter int A              = 8,    // bits of an activation, unsigned
    parameter int P              = 12,
    parameter bit P_SATURATE     = 1'b1,
    parameter int Q              = 14,
    parameter bit Q_SATURATE     = 1'b1,
    parameter string FAULT       = "none"
) (
    input  logic                        clk,
    input  logic                        rst,
    input  logic                        load,
    input  logic [C-1:0][W-1:0]         weights,
    input  logic                        valid,
    input  logic                        first,
    input  logic                        last,
    input  logic [R-1:0][A-1:0]         acts,
    output logic [R-1:0][C-1:0]         pe_valid,
    output logic [R-1:0][C-1:0][P-1:0]  pe_sum,
    output logic [C-1:0]                out_valid,
    output logic [C-1:0][Q-1:0]         out
);
    for (genvar r = 0; r < R; r++) begin : row
        // Row r is r cycles behind row 0.
        localparam int LAG = FAULT == "late" && r == R - 1 ? r + 1 : r;
        logic [A:0] skewed;
        delay #(.BITS(A + 1), .CYCLES(LAG)) skew (.clk, .in({valid & ~rst, acts[r]}), .out(skewed));
        for (genvar c = 0; c < C; c++) begin : col
            logic [W-1:0] weight_above;
            /* verilator lint_off UNUSEDSIGNAL */  // below the last row there is none to take it
            logic [W-1:0] weight;
            /* verilator lint_on UNUSEDSIGNAL */
            logic [A:0] act_left, act;
            logic signed [P-1:0] sum_above, sum;
            if (r == 0) assign weight_above = weights[c];
            else assign weight_above = row[r-1].col[c].weight;
            if (c == 0) assign act_left = skewed;
            else assign act_left = row[r].col[c-1].act;
            if (r == 0) assign sum_above = '0;
            else assign sum_above = row[r-1].col[c].sum;
            systolic_pe #(.W(W), .A(A), .P(P), .P_SATURATE(P_SATURATE), .FAULT(FAULT)) pe (.*);
            assign pe_valid[r][c] = act[A];
            assign pe_sum[r][c]   = sum;
        end
    end

    for (genvar c = 0; c < C; c++) begin : below
        systolic_accumulator #(.C(c), .R(R), .D(D), .P(P), .Q(Q), .Q_SATURATE(Q_SATURATE), .FAULT(FAULT)) accumulator (
            .clk, .rst, .first, .last,
            .valid(pe_valid[R-1][c]), .sum(pe_sum[R-1][c]), .out_valid(out_valid[c]), .out(out[c]));
    end
endmodule
