// Flags, operations and modes by name, and the end of a simulation.

// Flags of a status, in the order of RISC-V's fflags; FEWBIT_ERROR stands outside.
typedef enum int unsigned {
    FEWBIT_NONE  = 0,
    FEWBIT_NX    = 1,   // inexact
    FEWBIT_UF    = 2,   // underflow: tiny after rounding, and inexact
    FEWBIT_OF    = 4,   // overflow; of an integer register an overflow event
    FEWBIT_DZ    = 8,   // division by zero
    FEWBIT_NV    = 16,  // invalid
    FEWBIT_ERROR = 256
} fewbit_flags;

// Operations of fewbit_operate.
typedef enum int unsigned {
    FEWBIT_ADD, FEWBIT_SUB, FEWBIT_MUL, FEWBIT_DIV, FEWBIT_REM, FEWBIT_SQRT, FEWBIT_FMA,
    FEWBIT_MINIMUM, FEWBIT_MAXIMUM, FEWBIT_MINIMUM_NUMBER, FEWBIT_MAXIMUM_NUMBER
} fewbit_operation;

// Rounding modes without randomness.
typedef enum int unsigned {
    FEWBIT_TIES_EVEN, FEWBIT_TIES_ODD, FEWBIT_TIES_AWAY, FEWBIT_TIES_ZERO, FEWBIT_TIES_UP, FEWBIT_TIES_DOWN,
    FEWBIT_TOWARD_ZERO, FEWBIT_UP, FEWBIT_DOWN, FEWBIT_AWAY, FEWBIT_ODD
} fewbit_rounding;

// What becomes of a value beyond a format's range.
typedef enum int unsigned {
    FEWBIT_SATURATE, FEWBIT_SPECIAL, FEWBIT_IEEE, FEWBIT_WRAP, FEWBIT_SATURATE_SYMMETRIC, FEWBIT_ZERO
} fewbit_overflow;

// The name that policies and accumulators have for a rounding mode.
function automatic string fewbit_rounding_name(fewbit_rounding mode);
    case (mode)
        FEWBIT_TIES_EVEN:   return "ties-even";
        FEWBIT_TIES_ODD:    return "ties-odd";
        FEWBIT_TIES_AWAY:   return "ties-away";
        FEWBIT_TIES_ZERO:   return "ties-zero";
        FEWBIT_TIES_UP:     return "ties-up";
        FEWBIT_TIES_DOWN:   return "ties-down";
        FEWBIT_TOWARD_ZERO: return "toward-zero";
        FEWBIT_UP:          return "up";
        FEWBIT_DOWN:        return "down";
        FEWBIT_AWAY:        return "away";
        default:            return "odd";
    endcase
endfunction

// The name that policies have for what an overflow does.
function automatic string fewbit_overflow_name(fewbit_overflow mode);
    case (mode)
        FEWBIT_SATURATE:           return "saturate";
        FEWBIT_SPECIAL:            return "special";
        FEWBIT_IEEE:               return "ieee";
        FEWBIT_WRAP:               return "wrap";
        FEWBIT_SATURATE_SYMMETRIC: return "saturate-symmetric";
        default:                   return "zero";
    endcase
endfunction

// An integer register as accumulators spell it: `int14-sat`, `int14-wrap`.
function automatic string fewbit_register_text(int bits, bit saturate);
    if (saturate) return $sformatf("int%0d-sat", bits);
    return $sformatf("int%0d-wrap", bits);
endfunction

// A status in words: `OF|NX`, `none`, or the error.
function automatic string flags_str(int unsigned status);
    string text;
    if ((status & FEWBIT_ERROR) != 0) return {"error: ", fewbit_last_error()};
    text = "";
    if ((status & FEWBIT_NV) != 0) text = {text, "|NV"};
    if ((status & FEWBIT_DZ) != 0) text = {text, "|DZ"};
    if ((status & FEWBIT_OF) != 0) text = {text, "|OF"};
    if ((status & FEWBIT_UF) != 0) text = {text, "|UF"};
    if ((status & FEWBIT_NX) != 0) text = {text, "|NX"};
    if (text == "") return "none";
    return text.substr(1, text.len() - 1);
endfunction

`ifdef VERILATOR
import "DPI-C" exit = function void fewbit_c_exit(input int code);
`endif

// Ends the simulation. Code 0: passed; 1: compared and different; 2: bad input. Simulators that have no exit codes of their
// own end with whatever they have for $fatal.
function automatic void fewbit_end(int code);
    if (code == 0) $finish;
    else begin
`ifdef VERILATOR
        $fflush;
        fewbit_c_exit(code);
`else
        $fatal(1, "fewbit: exit code %0d", code);
`endif
    end
endfunction

// A status that is no error, or the end.
function automatic int unsigned fewbit_must(int unsigned status, string what);
    if ((status & FEWBIT_ERROR) != 0) begin
        $display("%s: %s", what, fewbit_last_error());
        fewbit_end(2);
    end
    return status;
endfunction

// Ends where a constructor gave nothing.
function automatic void fewbit_made(chandle handle, string what);
    if (handle == null) begin
        $display("%s: %s", what, fewbit_last_error());
        fewbit_end(2);
    end
endfunction
