//! What a network in floats spends its time on: convolutions of a batch of images beside patches and `matrixmultiply` (what a
//! user would write with ndarray), functions of each number beside loops over the standard library's, and a small network with
//! its quantizers and without.
