//! The scalar reference of real sums: against an oracle in rational arithmetic, and by hand.

mod by_hand;
mod dyadic;
mod oracle;
mod overflow;
