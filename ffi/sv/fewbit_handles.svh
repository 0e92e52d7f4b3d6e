// Handles as objects. What cannot be made or done ends the simulation with the library's sentence and exit code 2; who wants to
// go on calls the functions themselves. Objects have no destructor: close() frees what is behind one.

// A number format by its name: `e4m3fn`, `bf16`, `int8`, ...
class fewbit_format;
    chandle handle;
    string name;
    int unsigned bits;
    local int unsigned order;  // 0: unsigned, 1: sign and magnitude, 2: two's complement

    function new(string name);
        real low, high;
        longint unsigned half;
        handle = fewbit_format_new(name);
        fewbit_made(handle, {"format ", name});
        this.name = name;
        bits = fewbit_format_bits(handle);
        half = 64'd1 << (bits - 1);
        void'(fewbit_must(fewbit_format_range(handle, low, high), name));
        if (low >= 0.0) order = 0;
        else order = value(half | 1) == -value(1) ? 1 : 2;
    endfunction

    function void close();
        fewbit_format_free(handle);
        handle = null;
    endfunction

    // The value of a code.
    function real value(longint unsigned code);
        real x;
        void'(fewbit_must(fewbit_decode(handle, code, x), name));
        return x;
    endfunction

    // The place of a code among all in the order of their values: neighbours differ by 1, zeros of either sign are the same.
    // Of formats whose codes count through their values: floats, integers, posits.
    function longint place(longint unsigned code);
        longint unsigned half, low;
        half = 64'd1 << (bits - 1);
        low = code & (half - 1);
        if (order == 0) return longint'(code);
        if ((code & half) == 0) return longint'(low);
        return order == 1 ? -longint'(low) : longint'(low) - longint'(half);
    endfunction

    // A code with its value.
    function string show(longint unsigned code);
        return $sformatf("0x%0h (%0g)", code, value(code));
    endfunction
endclass

// What a conversion does where mathematics leaves a choice: `ties-even,saturate`, `rz,special,nan=zero`, `ocp-1.0`, ...
class fewbit_policy;
    chandle handle;
    string text;

    function new(string text);
        handle = fewbit_policy_new(text);
        fewbit_made(handle, {"policy ", text});
        this.text = text;
    endfunction

    function void close();
        fewbit_policy_free(handle);
        handle = null;
    endfunction
endclass

// An accumulator: `int16-wrap/64,int24-sat`, `e8m7-rne`, ...
class fewbit_accumulator;
    chandle handle;
    string text;
    int unsigned stages;

    function new(string text);
        handle = fewbit_accumulator_new(text);
        fewbit_made(handle, {"accumulator ", text});
        this.text = text;
        stages = fewbit_accumulator_stages(handle);
    endfunction

    function void close();
        fewbit_accumulator_free(handle);
        handle = null;
    endfunction
endclass

// An accumulator as a state: of integers, of codes, of codes under scales.
class fewbit_machine;
    chandle handle;
    string text;

    // From the library's handle; `record`: how many steps are kept for steps().
    function new(chandle made, string text, int unsigned record = 0);
        this.text = text;
        handle = made;
        fewbit_made(handle, {"machine ", text});
        if (record != 0) void'(fewbit_must(fewbit_machine_record(handle, record), text));
    endfunction

    // A machine of integer products.
    static function fewbit_machine of_products(fewbit_accumulator acc, int unsigned record = 0);
        fewbit_machine machine;
        machine = new(fewbit_machine_new(acc.handle), acc.text, record);
        return machine;
    endfunction

    // A machine of codes of two formats.
    static function fewbit_machine of_codes(fewbit_accumulator acc, fewbit_format a, fewbit_format b,
                                            int unsigned record = 0);
        fewbit_machine machine;
        machine = new(fewbit_machine_for(acc.handle, a.handle, b.handle), acc.text, record);
        return machine;
    endfunction

    // A machine of codes under the codes of their blocks' scales.
    static function fewbit_machine of_scaled(fewbit_accumulator acc, fewbit_format a, fewbit_format scale_a,
                                             fewbit_format b, fewbit_format scale_b, int unsigned record = 0);
        fewbit_machine machine;
        machine = new(fewbit_machine_for_scaled(acc.handle, a.handle, scale_a.handle, b.handle, scale_b.handle), acc.text,
                      record);
        return machine;
    endfunction

    function void close();
        fewbit_machine_free(handle);
        handle = null;
    endfunction

    function void reset(longint start = 0);
        void'(fewbit_must(fewbit_machine_reset(handle, start), text));
    endfunction

    // The next product; FEWBIT_OF: it caused an overflow event.
    function int unsigned push(longint product);
        return fewbit_must(fewbit_machine_push(handle, product), text);
    endfunction

    function int unsigned push_codes(longint unsigned a, longint unsigned b);
        return fewbit_must(fewbit_machine_push_codes(handle, a, b), text);
    endfunction

    function int unsigned push_scaled(longint unsigned a, longint unsigned scale_a, longint unsigned b,
                                      longint unsigned scale_b);
        return fewbit_must(fewbit_machine_push_scaled(handle, a, scale_a, b, scale_b), text);
    endfunction

    // Up to FEWBIT_LANES products in ascending k, lane 0 first.
    function int unsigned push_group(fewbit_lanes64 products, int unsigned length);
        return fewbit_must(fewbit_machine_push_group(handle, products, {32'd0, length}), text);
    endfunction

    // Closes groups and tiles that are not full.
    function int unsigned drain();
        return fewbit_must(fewbit_machine_drain(handle), text);
    endfunction

    // The last register.
    function longint value();
        longint x;
        void'(fewbit_must(fewbit_machine_value(handle, x), text));
        return x;
    endfunction

    function longint unsigned code();
        longint unsigned x;
        void'(fewbit_must(fewbit_machine_code(handle, x), text));
        return x;
    endfunction

    function real as_real();
        real x;
        void'(fewbit_must(fewbit_machine_real(handle, x), text));
        return x;
    endfunction

    // The register of a stage, from 0.
    function longint stage(int unsigned index);
        longint x;
        void'(fewbit_must(fewbit_machine_stage(handle, index, x), text));
        return x;
    endfunction

    // Overflow events of a stage since the last reset.
    function longint unsigned events(int unsigned index);
        longint unsigned x;
        void'(fewbit_must(fewbit_machine_events(handle, index, x), text));
        return x;
    endfunction

    // The last steps, a line each; empty where none are recorded.
    function string steps();
        return fewbit_machine_steps(handle);
    endfunction
endclass

// A list of 64-bit integers of any length.
class fewbit_buffer;
    chandle handle;

    function new(longint unsigned length);
        handle = fewbit_buffer_new(length);
        fewbit_made(handle, "buffer");
    endfunction

    function void close();
        fewbit_buffer_free(handle);
        handle = null;
    endfunction

    function void set(longint unsigned index, longint value);
        void'(fewbit_must(fewbit_buffer_set(handle, index, value), "buffer"));
    endfunction

    function longint get(longint unsigned index);
        longint x;
        void'(fewbit_must(fewbit_buffer_get(handle, index, x), "buffer"));
        return x;
    endfunction
endclass

// Machines side by side: a systolic array's.
class fewbit_array;
    chandle handle;
    string text;
    int unsigned rows;
    int unsigned cols;

    function new(fewbit_accumulator acc, int unsigned rows, int unsigned cols);
        text = acc.text;
        this.rows = rows;
        this.cols = cols;
        handle = fewbit_array_new(acc.handle, rows, cols);
        fewbit_made(handle, {"array ", text});
    endfunction

    function void close();
        fewbit_array_free(handle);
        handle = null;
    endfunction

    function void reset();
        void'(fewbit_must(fewbit_array_reset(handle), text));
    endfunction

    // One step: register (i, j) takes column[i] * row[j]. Up to FEWBIT_LANES rows and columns; more with push_buffers.
    function void push_outer(fewbit_lanes32 column, fewbit_lanes32 row);
        if (rows > FEWBIT_LANES || cols > FEWBIT_LANES) begin
            $display("%s: %0d x %0d machines: packed vectors have %0d lanes; use push_buffers", text, rows, cols, FEWBIT_LANES);
            fewbit_end(2);
        end
        void'(fewbit_must(fewbit_array_push_outer(handle, column, row), text));
    endfunction

    function void push_buffers(fewbit_buffer column, fewbit_buffer row);
        void'(fewbit_must(fewbit_array_push_buffers(handle, column.handle, row.handle), text));
    endfunction

    function void drain();
        void'(fewbit_must(fewbit_array_drain(handle), text));
    endfunction

    function longint value(int unsigned row, int unsigned col);
        longint x;
        void'(fewbit_must(fewbit_array_value(handle, row, col, x), text));
        return x;
    endfunction

    function longint unsigned events(int unsigned stage, int unsigned row, int unsigned col);
        longint unsigned x;
        void'(fewbit_must(fewbit_array_events(handle, stage, row, col, x), text));
        return x;
    endfunction
endclass

// From a sum to the next layer's integer, by a stack's rule: `tosa32`, `tosa32-double`, `gemmlowp`, ...
class fewbit_requantizer;
    chandle handle;
    string name;

    function new(string name, fewbit_format out, int multiplier, int shift, longint zero_point = 0);
        this.name = name;
        handle = fewbit_requantizer_new(name, out.handle, multiplier, shift);
        fewbit_made(handle, {"requantizer ", name});
        void'(fewbit_must(fewbit_requantizer_set_zero_point(handle, zero_point), name));
    endfunction

    function void close();
        fewbit_requantizer_free(handle);
        handle = null;
    endfunction

    function longint run(longint value);
        longint x;
        void'(fewbit_must(fewbit_requantizer_run(handle, 0, value, x), name));
        return x;
    endfunction
endclass
