// Random numbers that are the same in every simulator: Philox of a seed and a running index.
class fewbit_stimulus;
    longint unsigned seed;
    longint unsigned index;

    function new(longint unsigned seed);
        this.seed = seed;
        index = 0;
    endfunction

    // The next 32 random bits.
    function int unsigned bits();
        index = index + 1;
        return fewbit_random_bits(seed, index - 1);
    endfunction

    // The next 64 random bits.
    function longint unsigned bits64();
        longint unsigned high;
        high = {32'd0, bits()};
        return (high << 32) | {32'd0, bits()};
    endfunction

    // From 0 to n - 1; n > 0.
    function int unsigned below(int unsigned n);
        longint unsigned wide;
        wide = {32'd0, bits()} * {32'd0, n};
        return wide[63:32];
    endfunction

    // From least to most, both included.
    function int between(int least, int most);
        return least + int'(below(unsigned'(most - least) + 1));
    endfunction

    // True once in n times.
    function bit once_in(int unsigned n);
        return below(n) == 0;
    endfunction
endclass

// A number from the command line, `+name=value`, or the one that stands where there is none.
function automatic longint unsigned fewbit_plusarg(string name, longint unsigned otherwise);
    longint unsigned value;
    if ($value$plusargs({name, "=%d"}, value) != 0) return value;
    return otherwise;
endfunction
