//! Brevitas 0.12.1: the same quantizers, the same bits; what differs is on a list.

mod differences;
mod docs;
mod golden;
mod guard;
mod recipes;
mod round_trip;
