// The functions of libfewbit, as DPI-C sees them. ffi/include/fewbit.h says what each one does.
//
// `status` is an int unsigned: fewbit_flags, or an error where FEWBIT_ERROR is set; fewbit_last_error() tells about it.
// Codes are in the low bits of a longint unsigned. Lists are packed vectors, element 0 in the low bits; a shorter vector is
// filled up with zeros, and the library reads no more elements than it is told.

// Most lanes of a packed vector; longer lists travel in buffers.
localparam int unsigned FEWBIT_LANES = 64;
typedef bit [FEWBIT_LANES-1:0][31:0] fewbit_lanes32;
typedef bit [FEWBIT_LANES-1:0][63:0] fewbit_lanes64;

import "DPI-C" function string fewbit_version();
import "DPI-C" function int unsigned fewbit_abi_version();
import "DPI-C" function string fewbit_last_error();
import "DPI-C" function int unsigned fewbit_random_bits(input longint unsigned seed, input longint unsigned index);

import "DPI-C" function chandle fewbit_format_new(input string name);
import "DPI-C" function void fewbit_format_free(input chandle format);
import "DPI-C" function string fewbit_format_name(input chandle format);
import "DPI-C" function int unsigned fewbit_format_bits(input chandle format);
import "DPI-C" function int unsigned fewbit_format_range(input chandle format, output real least, output real greatest);
import "DPI-C" function int unsigned fewbit_format_check(input chandle format, input longint unsigned code);

import "DPI-C" function chandle fewbit_policy_new(input string text);
import "DPI-C" function void fewbit_policy_free(input chandle policy);

import "DPI-C" function int unsigned fewbit_encode(input chandle format, input chandle policy, input real x,
    input int unsigned random, output longint unsigned code);
import "DPI-C" function int unsigned fewbit_encode_i64(input chandle format, input chandle policy, input longint x,
    input int unsigned random, output longint unsigned code);
import "DPI-C" function int unsigned fewbit_decode(input chandle format, input longint unsigned code, output real x);
import "DPI-C" function int unsigned fewbit_convert(input chandle from, input longint unsigned code, input chandle to,
    input chandle policy, input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_add(input chandle format, input chandle policy, input longint unsigned a,
    input longint unsigned b, input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_sub(input chandle format, input chandle policy, input longint unsigned a,
    input longint unsigned b, input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_mul(input chandle format, input chandle policy, input longint unsigned a,
    input longint unsigned b, input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_div(input chandle format, input chandle policy, input longint unsigned a,
    input longint unsigned b, input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_sqrt(input chandle format, input chandle policy, input longint unsigned a,
    input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_fma(input chandle format, input chandle policy, input longint unsigned a,
    input longint unsigned b, input longint unsigned c, input int unsigned random, output longint unsigned result);
import "DPI-C" function int unsigned fewbit_operate(input int unsigned operation, input chandle format_a,
    input longint unsigned a, input chandle format_b, input longint unsigned b, input chandle format_c,
    input longint unsigned c, input chandle to, input chandle policy, input int unsigned random,
    output longint unsigned result);

import "DPI-C" function chandle fewbit_accumulator_new(input string text);
import "DPI-C" function void fewbit_accumulator_free(input chandle accumulator);
import "DPI-C" function int unsigned fewbit_accumulator_stages(input chandle accumulator);

import "DPI-C" function chandle fewbit_machine_new(input chandle accumulator);
import "DPI-C" function chandle fewbit_machine_for(input chandle accumulator, input chandle a, input chandle b);
import "DPI-C" function chandle fewbit_machine_for_scaled(input chandle accumulator, input chandle a,
    input chandle scale_a, input chandle b, input chandle scale_b);
import "DPI-C" function void fewbit_machine_free(input chandle machine);
import "DPI-C" function int unsigned fewbit_machine_seed(input chandle machine, input longint unsigned seed,
    input longint unsigned index);
import "DPI-C" function int unsigned fewbit_machine_reset(input chandle machine, input longint start);
import "DPI-C" function int unsigned fewbit_machine_reset_real(input chandle machine, input real start);
import "DPI-C" function int unsigned fewbit_machine_push(input chandle machine, input longint product);
import "DPI-C" function int unsigned fewbit_machine_push_real(input chandle machine, input real a, input real b);
import "DPI-C" function int unsigned fewbit_machine_push_codes(input chandle machine, input longint unsigned a,
    input longint unsigned b);
import "DPI-C" function int unsigned fewbit_machine_push_scaled(input chandle machine, input longint unsigned a,
    input longint unsigned scale_a, input longint unsigned b, input longint unsigned scale_b);
import "DPI-C" function int unsigned fewbit_machine_push_group(input chandle machine, input fewbit_lanes64 products,
    input longint unsigned length);
import "DPI-C" function int unsigned fewbit_machine_push_code_group(input chandle machine, input fewbit_lanes64 a,
    input fewbit_lanes64 b, input longint unsigned length);
import "DPI-C" function int unsigned fewbit_machine_drain(input chandle machine);
import "DPI-C" function int unsigned fewbit_machine_value(input chandle machine, output longint value);
import "DPI-C" function int unsigned fewbit_machine_real(input chandle machine, output real value);
import "DPI-C" function int unsigned fewbit_machine_code(input chandle machine, output longint unsigned code);
import "DPI-C" function int unsigned fewbit_machine_stage(input chandle machine, input int unsigned stage,
    output longint value);
import "DPI-C" function int unsigned fewbit_machine_stage_real(input chandle machine, input int unsigned stage,
    output real value);
import "DPI-C" function int unsigned fewbit_machine_events(input chandle machine, input int unsigned stage,
    output longint unsigned events);
import "DPI-C" function int unsigned fewbit_machine_record(input chandle machine, input int unsigned steps);
import "DPI-C" function string fewbit_machine_steps(input chandle machine);

import "DPI-C" function chandle fewbit_array_new(input chandle accumulator, input int unsigned rows,
    input int unsigned cols);
import "DPI-C" function void fewbit_array_free(input chandle array);
import "DPI-C" function int unsigned fewbit_array_push_outer(input chandle array, input fewbit_lanes32 column,
    input fewbit_lanes32 row);
import "DPI-C" function int unsigned fewbit_array_push_buffers(input chandle array, input chandle column,
    input chandle row);
import "DPI-C" function int unsigned fewbit_array_value(input chandle array, input int unsigned row,
    input int unsigned col, output longint value);
import "DPI-C" function int unsigned fewbit_array_events(input chandle array, input int unsigned stage,
    input int unsigned row, input int unsigned col, output longint unsigned events);
import "DPI-C" function int unsigned fewbit_array_drain(input chandle array);
import "DPI-C" function int unsigned fewbit_array_reset(input chandle array);

import "DPI-C" function chandle fewbit_buffer_new(input longint unsigned length);
import "DPI-C" function void fewbit_buffer_free(input chandle buffer);
import "DPI-C" function longint unsigned fewbit_buffer_length(input chandle buffer);
import "DPI-C" function int unsigned fewbit_buffer_set(input chandle buffer, input longint unsigned index,
    input longint value);
import "DPI-C" function int unsigned fewbit_buffer_get(input chandle buffer, input longint unsigned index,
    output longint value);
import "DPI-C" function int unsigned fewbit_dot_buffers(input chandle accumulator, input chandle a, input chandle b,
    output longint value, output longint unsigned events);
import "DPI-C" function int unsigned fewbit_matmul_buffers(input chandle accumulator, input chandle a, input chandle b,
    input chandle out, input longint unsigned m, input longint unsigned k, input longint unsigned n);

import "DPI-C" function chandle fewbit_requantizer_new(input string name, input chandle out, input int multiplier,
    input int shift);
import "DPI-C" function void fewbit_requantizer_free(input chandle requantizer);
import "DPI-C" function int unsigned fewbit_requantizer_set_zero_point(input chandle requantizer,
    input longint zero_point);
import "DPI-C" function int unsigned fewbit_requantizer_set_bias(input chandle requantizer, input longint bias);
import "DPI-C" function int unsigned fewbit_requantizer_set_overflow(input chandle requantizer, input string name);
import "DPI-C" function int unsigned fewbit_requantizer_run(input chandle requantizer, input longint unsigned index,
    input longint value, output longint result);
