// A multiply-accumulate tile: products are summed in an inner register of P bits, T at a time; an outer register of Q bits takes
// the sums of the tiles. As an accumulator: `int<P>-<wrap|sat>/<T>,int<Q>-<wrap|sat>`.
//
// A product enters with `valid`; `last` says that it is the last one of its output, whose tile may be shorter than T.
//
//     cycle 0   valid, weight, act, last
//     cycle 1   the product is in its register
//     cycle 2   `inner` has it (`inner_valid`); a tile that is full has gone on, and `inner` is 0 again
//     cycle 3   the outer register has the tile; `out_valid` with the output after the last one
module mac_tile #(
    parameter int W              = 4,     // bits of a weight, signed
    parameter int A              = 8,     // bits of an activation
    parameter bit A_SIGNED       = 1'b0,
    parameter int P              = 14,
    parameter bit P_SATURATE     = 1'b1,
    parameter int T              = 16,
    parameter int Q              = 18,
    parameter bit Q_SATURATE     = 1'b1,
    parameter string FAULT       = "none"
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                valid,
    input  logic                last,
    input  logic signed [W-1:0] weight,
    input  logic        [A-1:0] act,
    output logic                inner_valid,
    output logic signed [P-1:0] inner,
    output logic                out_valid,
    output logic signed [Q-1:0] out,
    output logic                inner_overflow,  // some step of this output left the range of the inner register
    output logic                outer_overflow
);
    localparam int M = W + A + 1;  // bits of a product
    localparam int S = (P > M ? P : M) + 1;
    localparam int U = (Q > P ? Q : P) + 1;

    // Cycle 1: the product.
    logic signed [M-1:0] product;
    logic product_valid, product_last;
    wire signed [A:0] act_extended = {A_SIGNED & act[A-1], act};
    always_ff @(posedge clk) begin
        product       <= M'(weight) * M'(act_extended);
        product_valid <= valid & ~rst;
        product_last  <= last;
    end

    // Cycle 2: the inner register, and the tile that leaves it.
    localparam int C = $clog2(T + 1);
    logic [C-1:0] taken;
    logic signed [P-1:0] inner_next, tile;
    logic tile_valid, tile_last, tile_event, step_event, event_so_far;
    wire full = (taken == (FAULT == "tile" ? C'(T) : C'(T - 1))) | product_last;
    fit #(.S(S), .P(P), .SATURATE(P_SATURATE),
          .FAULT(FAULT == "inner_narrow" ? "narrow" : FAULT == "inner_wrap" ? "wrap" : FAULT == "inner_limit" ? "limit" : "none"))
        inner_fit (.sum(S'(inner) + S'(product)), .value(inner_next), .overflow(step_event));
    always_ff @(posedge clk) begin
        inner_valid <= product_valid & ~rst;
        tile_valid  <= product_valid & full & ~rst;
        // A fault: a last tile that is not full is forgotten.
        if (FAULT == "short_tile" && taken != C'(T - 1)) tile <= '0;
        else tile <= inner_next;
        tile_last  <= product_last;
        tile_event <= step_event | event_so_far;
        if (rst) begin
            inner        <= '0;
            taken        <= '0;
            event_so_far <= 1'b0;
        end else if (product_valid) begin
            inner        <= full ? '0 : inner_next;
            taken        <= full ? '0 : taken + 1'b1;
            event_so_far <= ~product_last & (step_event | event_so_far);
        end
    end

    // Cycle 3: the outer register; it starts at 0 after a last tile.
    logic signed [Q-1:0] outer, outer_next;
    logic restart, outer_event, outer_event_so_far, done, done_late;
    wire signed [Q-1:0] start = restart ? '0 : outer;
    fit #(.S(U), .P(Q), .SATURATE(Q_SATURATE),
          .FAULT(FAULT == "outer_narrow" ? "narrow" : FAULT == "outer_saturate" ? "saturate" : FAULT == "outer_wrap" ? "wrap" : "none"))
        outer_fit (.sum(U'(start) + U'(tile)), .value(outer_next), .overflow(outer_event));
    always_ff @(posedge clk) begin
        done      <= tile_valid & tile_last & ~rst;
        done_late <= done & ~rst;
        if (rst) begin
            outer   <= '0;
            restart <= 1'b1;
        end else if (tile_valid) begin
            outer              <= outer_next;
            restart            <= tile_last;
            outer_event_so_far <= outer_event | (outer_event_so_far & ~restart);
            inner_overflow     <= tile_event;
        end
    end
    assign out            = outer;
    assign outer_overflow = outer_event_so_far;
    assign out_valid      = FAULT == "late" ? done_late : done;
endmodule
