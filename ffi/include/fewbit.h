/* libfewbit: number formats, narrow accumulators and machines, bit for bit.
 *
 * Made by cbindgen of ffi/c/src; do not edit. `ffi/header` makes it anew.
 *
 * Every function but constructors and those that answer with text returns a status: flags in the order of RISC-V's fflags
 * (NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16), or, where the bit FEWBIT_STATUS_ERROR is set, an error, which fewbit_last_error()
 * tells about. Constructors return NULL after an error.
 *
 * Handles of formats, policies, accumulators, groups, tables, packed matrices and threads never change and may be used by any
 * number of threads; a machine, an array, a buffer and a requantizer that is being changed belong to one thread at a time.
 * Pointers, lengths and alignment are checked; nothing aborts or unwinds.
 */

#ifndef FEWBIT_H
#define FEWBIT_H

#include <stddef.h>
#include <stdint.h>

/**
 * The number of the binary interface. It grows when a function or a structure changes; compare it with `FEWBIT_ABI_VERSION`.
 */
#define FEWBIT_ABI_VERSION 1

/**
 * What a function returns: the flags of what it computed in the order of RISC-V's fflags, or, with `FEWBIT_STATUS_ERROR` set, the
 * kind of an error, whose text is `fewbit_last_error()`.
 */
enum fewbit_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif
 {
  /**
   * Done, exactly.
   */
  FEWBIT_STATUS_OK = 0,
  /**
   * NX: the result is not the exact one.
   */
  FEWBIT_STATUS_INEXACT = 1,
  /**
   * UF: a result below the smallest normal value, and inexact.
   */
  FEWBIT_STATUS_UNDERFLOW = 2,
  /**
   * OF: a value outside the range of its format; an overflow event of a register.
   */
  FEWBIT_STATUS_OVERFLOW = 4,
  /**
   * DZ: a finite value was divided by zero.
   */
  FEWBIT_STATUS_DIVIDE_BY_ZERO = 8,
  /**
   * NV: a result that the format has no counterpart of.
   */
  FEWBIT_STATUS_INVALID = 16,
  /**
   * The bit that every error has.
   */
  FEWBIT_STATUS_ERROR = 256,
  /**
   * A handle that is null, or of another kind.
   */
  FEWBIT_STATUS_ERROR_HANDLE = 768,
  /**
   * A pointer that is null or not aligned, or memory that overlaps other memory of the same call.
   */
  FEWBIT_STATUS_ERROR_POINTER = 1280,
  /**
   * Lengths or shapes that do not fit each other.
   */
  FEWBIT_STATUS_ERROR_LENGTH = 1792,
  /**
   * A name that is not known, or text that is not UTF-8.
   */
  FEWBIT_STATUS_ERROR_NAME = 2304,
  /**
   * A value out of range.
   */
  FEWBIT_STATUS_ERROR_VALUE = 2816,
  /**
   * More than memory can hold.
   */
  FEWBIT_STATUS_ERROR_MEMORY = 3328,
  /**
   * A fault of the library itself.
   */
  FEWBIT_STATUS_ERROR_INTERNAL = 3840,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fewbit_status fewbit_status;
#else
typedef uint32_t fewbit_status;
#endif
#endif

/**
 * The type of the elements of an array.
 */
enum fewbit_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif
 {
  /**
   * int8_t
   */
  FEWBIT_TYPE_I8 = 0,
  /**
   * uint8_t
   */
  FEWBIT_TYPE_U8 = 1,
  /**
   * int16_t
   */
  FEWBIT_TYPE_I16 = 2,
  /**
   * uint16_t
   */
  FEWBIT_TYPE_U16 = 3,
  /**
   * int32_t
   */
  FEWBIT_TYPE_I32 = 4,
  /**
   * uint32_t
   */
  FEWBIT_TYPE_U32 = 5,
  /**
   * int64_t
   */
  FEWBIT_TYPE_I64 = 6,
  /**
   * uint64_t
   */
  FEWBIT_TYPE_U64 = 7,
  /**
   * float
   */
  FEWBIT_TYPE_F32 = 8,
  /**
   * double
   */
  FEWBIT_TYPE_F64 = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fewbit_type fewbit_type;
#else
typedef uint32_t fewbit_type;
#endif
#endif

/**
 * An operation of `fewbit_operate`.
 */
enum fewbit_operation
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif
 {
  /**
   * `a + b`
   */
  FEWBIT_OPERATION_ADD = 0,
  /**
   * `a - b`
   */
  FEWBIT_OPERATION_SUB = 1,
  /**
   * `a * b`
   */
  FEWBIT_OPERATION_MUL = 2,
  /**
   * `a / b`
   */
  FEWBIT_OPERATION_DIV = 3,
  /**
   * The remainder of `a / b`, the quotient truncated.
   */
  FEWBIT_OPERATION_REM = 4,
  /**
   * The square root of `a`.
   */
  FEWBIT_OPERATION_SQRT = 5,
  /**
   * `a * b + c`, rounded once.
   */
  FEWBIT_OPERATION_FMA = 6,
  /**
   * IEEE 754-2019 minimum.
   */
  FEWBIT_OPERATION_MINIMUM = 7,
  /**
   * IEEE 754-2019 maximum.
   */
  FEWBIT_OPERATION_MAXIMUM = 8,
  /**
   * IEEE 754-2019 minimumNumber.
   */
  FEWBIT_OPERATION_MINIMUM_NUMBER = 9,
  /**
   * IEEE 754-2019 maximumNumber.
   */
  FEWBIT_OPERATION_MAXIMUM_NUMBER = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fewbit_operation fewbit_operation;
#else
typedef uint32_t fewbit_operation;
#endif
#endif

/**
 * How much a product reports; less costs less.
 */
enum fewbit_report_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif
 {
  /**
   * Values alone.
   */
  FEWBIT_REPORT_LEVEL_NONE = 0,
  /**
   * The events of every stage, the outputs that had any, and the first.
   */
  FEWBIT_REPORT_LEVEL_EVENTS = 1,
  /**
   * Everything.
   */
  FEWBIT_REPORT_LEVEL_FULL = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fewbit_report_level fewbit_report_level;
#else
typedef uint32_t fewbit_report_level;
#endif
#endif

/**
 * An accumulator: a list of stages. It never changes: any number of threads may use one.
 */
typedef struct fewbit_accumulator fewbit_accumulator;

/**
 * `rows x cols` machines of one accumulator that take a product each in every step. Each array belongs to one thread at a time.
 */
typedef struct fewbit_array fewbit_array;

/**
 * A list of 64-bit integers. Each belongs to one thread at a time while it is changed.
 */
typedef struct fewbit_buffer fewbit_buffer;

/**
 * A number format. It never changes: any number of threads may use one.
 */
typedef struct fewbit_format fewbit_format;

/**
 * A format of groups and the policy that they are made under. It never changes: any number of threads may use one.
 */
typedef struct fewbit_group fewbit_group;

/**
 * An accumulator as a state. Each belongs to one thread at a time.
 */
typedef struct fewbit_machine fewbit_machine;

/**
 * A right operand that was packed once, such as a layer's weights. Any number of threads may use one.
 */
typedef struct fewbit_packed fewbit_packed;

/**
 * What a conversion does where mathematics leaves a choice. It never changes: any number of threads may use one.
 */
typedef struct fewbit_policy fewbit_policy;

/**
 * A policy with its numbers, bias, zero point and output format. Any number of threads may use one that nobody changes.
 */
typedef struct fewbit_requantizer fewbit_requantizer;

/**
 * A table. It never changes: any number of threads may use one.
 */
typedef struct fewbit_table fewbit_table;

/**
 * A pool of threads. Any number of threads may use one.
 */
typedef struct fewbit_threads fewbit_threads;

/**
 * A matrix in the caller's memory: element (i, j) is at `data + i * row_stride + j * col_stride`, in elements. Rows one after
 * the other have a row stride of `cols` and a column stride of 1.
 */
typedef struct fewbit_matrix {
  /**
   * Its first element.
   */
  void *data;
  /**
   * A `fewbit_type`.
   */
  uint32_t element;
  /**
   * Rows.
   */
  size_t rows;
  /**
   * Columns.
   */
  size_t cols;
  /**
   * Elements from a row to the next.
   */
  size_t row_stride;
  /**
   * Elements from a column to the next.
   */
  size_t col_stride;
} fewbit_matrix;

/**
 * An integer of 128 bits in two's complement.
 */
typedef struct fewbit_int128 {
  /**
   * The low 64 bits.
   */
  uint64_t low;
  /**
   * The high 64 bits, with the sign.
   */
  int64_t high;
} fewbit_int128;

/**
 * The worst case of one stage of one row of weights.
 */
typedef struct fewbit_bound {
  /**
   * The least value that the register takes for any input; the 0 that it starts from counts.
   */
  struct fewbit_int128 min;
  /**
   * The greatest value.
   */
  struct fewbit_int128 max;
  /**
   * The two's complement width that holds both.
   */
  uint32_t required_bits;
  /**
   * The width that the norm of the weights asks for (A2Q).
   */
  uint32_t a2q_bits;
  /**
   * Whether the register of the accumulator holds both.
   */
  uint32_t fits;
  /**
   * 1 where the greatest value asks for the width, 0 where the least does.
   */
  uint32_t upper;
} fewbit_bound;

/**
 * The shapes of a convolution: input `[images, channels, height, width]`, weights
 * `[outputs, channels / groups, kernel_height, kernel_width]`, both without gaps. Pairs are (rows, columns).
 */
typedef struct fewbit_conv {
  /**
   * Images.
   */
  size_t images;
  /**
   * Channels of the input.
   */
  size_t channels;
  /**
   * Rows of the input.
   */
  size_t height;
  /**
   * Columns of the input.
   */
  size_t width;
  /**
   * Channels of the output.
   */
  size_t outputs;
  /**
   * Rows of the kernel.
   */
  size_t kernel_height;
  /**
   * Columns of the kernel.
   */
  size_t kernel_width;
  /**
   * Input positions from an output to the next.
   */
  size_t stride[2];
  /**
   * Positions before the first.
   */
  size_t padding_before[2];
  /**
   * Positions after the last.
   */
  size_t padding_after[2];
  /**
   * Input positions from a weight to the next.
   */
  size_t dilation[2];
  /**
   * Parts that the channels are divided into.
   */
  size_t groups;
  /**
   * The code at padded positions: the zero point of the input.
   */
  int64_t padding_code;
} fewbit_conv;

/**
 * What happened in one stage of integers. At the level of events only these and the first event are set, the rest is 0.
 */
typedef struct fewbit_stage_report {
  /**
   * Steps whose exact result lay outside the register's range.
   */
  uint64_t events;
  /**
   * Outputs with at least one event.
   */
  uint64_t outputs;
  /**
   * Row of the first output, in row-major order, that had an event; the next three are of its first event.
   */
  uint64_t first_row;
  /**
   * Its column.
   */
  uint64_t first_col;
  /**
   * The last product that entered the step.
   */
  uint64_t first_k;
  /**
   * The exact value that the register could not hold.
   */
  struct fewbit_int128 first_value;
  /**
   * The least value reached before wrapping or saturating; the starting value counts.
   */
  struct fewbit_int128 min;
  /**
   * The greatest value reached.
   */
  struct fewbit_int128 max;
  /**
   * 1 where there was an event, and so a first one.
   */
  uint32_t has_first;
  /**
   * The two's complement width that holds the exact trajectory of every output.
   */
  uint32_t required_bits;
  /**
   * How many outputs need each width, from 0 to 128 bits.
   */
  uint64_t histogram[129];
} fewbit_stage_report;

/**
 * A matrix of codes, with or without block scales along k.
 */
typedef struct fewbit_operand {
  /**
   * The codes, of uint8, uint16 or uint32.
   */
  struct fewbit_matrix codes;
  /**
   * Their format.
   */
  const struct fewbit_format *format;
  /**
   * The codes of scales: `[M, K / block]` of a left operand, `[K / block, N]` of a right one, rounded up. Not looked at
   * where `scale_format` is null.
   */
  struct fewbit_matrix scales;
  /**
   * The format of scales; null where there are none.
   */
  const struct fewbit_format *scale_format;
  /**
   * Elements that share a scale.
   */
  size_t block;
} fewbit_operand;

/**
 * What happened in one stage of any numbers. Sums are the nearest doubles.
 */
typedef struct fewbit_float_stage_report {
  /**
   * Steps whose finite sum lay outside the register's range after rounding.
   */
  uint64_t events;
  /**
   * Outputs with at least one event.
   */
  uint64_t outputs;
  /**
   * Row of the first output that had an event; the next three are of its first event.
   */
  uint64_t first_row;
  /**
   * Its column.
   */
  uint64_t first_col;
  /**
   * The last product that entered the step.
   */
  uint64_t first_k;
  /**
   * The finite sum that the register could not hold.
   */
  double first_value;
  /**
   * The least finite sum before rounding; the starting value counts.
   */
  double min;
  /**
   * The greatest finite sum before rounding.
   */
  double max;
  /**
   * Steps.
   */
  uint64_t steps;
  /**
   * Steps after which the register is not the exact sum.
   */
  uint64_t inexact;
  /**
   * Inexact steps whose result was below the smallest normal value.
   */
  uint64_t underflows;
  /**
   * Steps whose inputs left the register as it was, and did not sum to zero.
   */
  uint64_t absorbed;
  /**
   * Steps that made a NaN of other values.
   */
  uint64_t invalid;
  /**
   * 1 where there was an event, and so a first one.
   */
  uint32_t has_first;
} fewbit_float_stage_report;

/**
 * An array seen along the axis that groups lie on: `before` rows of `length` elements, neighbours `behind` elements apart.
 */
typedef struct fewbit_group_layout {
  /**
   * Product of the sizes of the axes before; 1 where there are none.
   */
  size_t before;
  /**
   * Elements of the axis.
   */
  size_t length;
  /**
   * Product of the sizes of the axes behind; 1 for the last axis.
   */
  size_t behind;
} fewbit_group_layout;

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An accumulator from its grammar: `int16-sat`, `int16-wrap/64,int24-sat`, `e5m10-rne`, `preset:h100-wgmma-fp8`, ... Null where
 * the text is none.
 */
struct fewbit_accumulator *fewbit_accumulator_new(const char *text);

/**
 * Frees an accumulator; null is nothing to free.
 */
void fewbit_accumulator_free(struct fewbit_accumulator *acc);

/**
 * How many stages it has; 0 for a wrong handle.
 */
uint32_t fewbit_accumulator_stages(const struct fewbit_accumulator *acc);

/**
 * Its text, valid until this thread is given the next text; empty for a wrong handle.
 */
const char *fewbit_accumulator_text(const struct fewbit_accumulator *acc);

/**
 * The codes of `length` values, whose first has the index `first` (the random bits of stochastic rounding depend on `seed` and
 * index). Equal to `fewbit_encode` of each, with `fewbit_random_bits(seed, first + i)`; on all cores, or on those of `threads`.
 *
 * After an error what `codes` holds is not defined.
 */
uint32_t fewbit_encode_array(const struct fewbit_format *to,
                             const struct fewbit_policy *policy,
                             uint64_t seed,
                             uint64_t first,
                             const void *x,
                             uint32_t x_type,
                             size_t length,
                             void *codes,
                             uint32_t code_type,
                             const struct fewbit_threads *threads);

/**
 * The values of `length` codes, as floats or doubles. Equal to `fewbit_decode` of each, rounded to a float where `x_type` is
 * that. Bits above the format's width are ignored.
 */
uint32_t fewbit_decode_array(const struct fewbit_format *from,
                             const void *codes,
                             uint32_t code_type,
                             size_t length,
                             void *x,
                             uint32_t x_type,
                             const struct fewbit_threads *threads);

/**
 * The codes in one format of codes in another: `fewbit_convert` of each, with `fewbit_random_bits(seed, first + i)`.
 *
 * After an error what `results` holds is not defined.
 */
uint32_t fewbit_convert_array(const struct fewbit_format *from,
                              const void *codes,
                              uint32_t code_type,
                              size_t length,
                              const struct fewbit_format *to,
                              const struct fewbit_policy *policy,
                              uint64_t seed,
                              uint64_t first,
                              void *results,
                              uint32_t result_type,
                              const struct fewbit_threads *threads);

/**
 * The exact worst cases of every row of `weights`, `[rows, K]` of int64, over all inputs of `low` to `high` and all steps: row by row,
 * a bound per stage, innermost first. `bounds` has room for `length`, which is rows times stages.
 */
uint32_t fewbit_bounds(const struct fewbit_accumulator *acc,
                       const struct fewbit_matrix *matrix,
                       int64_t low,
                       int64_t high,
                       struct fewbit_bound *bounds,
                       size_t length);

/**
 * The inputs of `low` to `high` for which every register of a row reaches its greatest value, or its least where `upper` is 0: a
 * stimulus. `inputs` has room for `length`, which is the columns of the weights.
 */
uint32_t fewbit_witness(const struct fewbit_matrix *matrix,
                        int64_t low,
                        int64_t high,
                        size_t row,
                        uint32_t upper,
                        int64_t *inputs,
                        size_t length);

/**
 * A buffer of `length` zeros; null where memory cannot hold it.
 */
struct fewbit_buffer *fewbit_buffer_new(uint64_t length);

/**
 * Frees a buffer; null is nothing to free.
 */
void fewbit_buffer_free(struct fewbit_buffer *buffer);

/**
 * How many elements there are; 0 for a wrong handle.
 */
uint64_t fewbit_buffer_length(const struct fewbit_buffer *buffer);

/**
 * Sets an element.
 */
uint32_t fewbit_buffer_set(struct fewbit_buffer *buffer, uint64_t index, int64_t value);

/**
 * Gets an element.
 */
uint32_t fewbit_buffer_get(const struct fewbit_buffer *buffer, uint64_t index, int64_t *value);

/**
 * The product `out = a b` through an accumulator: `a` has m rows of k, `b` k rows of n, `out` m rows of n.
 */
uint32_t fewbit_matmul_buffers(const struct fewbit_accumulator *acc,
                               const struct fewbit_buffer *a,
                               const struct fewbit_buffer *b,
                               struct fewbit_buffer *out,
                               uint64_t m,
                               uint64_t k,
                               uint64_t n);

/**
 * The dot product of two buffers through an accumulator, and the events of all its stages.
 */
uint32_t fewbit_dot_buffers(const struct fewbit_accumulator *acc,
                            const struct fewbit_buffer *a,
                            const struct fewbit_buffer *b,
                            int64_t *value,
                            uint64_t *events);

/**
 * The rows and columns of the output of a convolution.
 */
uint32_t fewbit_conv2d_output(const struct fewbit_conv *conv, size_t *height, size_t *width);

/**
 * Convolves `input` with `weights` through an accumulator of integer stages, into `out`, `[images, outputs, rows, columns]` of
 * `fewbit_conv2d_output`, `out_length` elements. `init`, of as many elements, is what the last registers start from; null for 0.
 * Outputs are named in reports as row `image * outputs + output` and column `row * columns + column`.
 *
 * After an error what `out` holds is not defined.
 */
uint32_t fewbit_conv2d(const struct fewbit_accumulator *acc,
                       const struct fewbit_conv *conv,
                       const void *input,
                       uint32_t input_type,
                       const void *weights,
                       uint32_t weight_type,
                       const int64_t *init,
                       int64_t *out,
                       size_t out_length,
                       uint32_t level,
                       struct fewbit_stage_report *reports,
                       const struct fewbit_threads *threads);

/**
 * The product of codes `a`, `[M, K]`, and `b`, `[K, N]`, through any accumulator, into `out`, `[M, N]` of doubles: the last
 * registers' values, each the nearest double. Stochastic rounding takes the random bits of `seed`. `init`, `[M, N]` of doubles, is
 * what the last registers start from; null for 0. `reports` has room for a report per stage, innermost first; it may be null at
 * FEWBIT_REPORT_LEVEL_NONE.
 *
 * After an error what `out` holds is not defined.
 */
uint32_t fewbit_matmul_float(const struct fewbit_accumulator *acc,
                             const struct fewbit_operand *a,
                             const struct fewbit_operand *b,
                             const struct fewbit_matrix *init,
                             uint64_t seed,
                             const struct fewbit_matrix *out,
                             uint32_t level,
                             struct fewbit_float_stage_report *reports,
                             const struct fewbit_threads *threads);

/**
 * How output (row, col) of `fewbit_matmul_float` comes about, as a table of its steps in text; those that products `first_k` to
 * `last_k` enter. Valid until this thread is given the next text; empty after an error.
 */
const char *fewbit_explain_float(const struct fewbit_accumulator *acc,
                                 const struct fewbit_operand *a,
                                 const struct fewbit_operand *b,
                                 uint64_t seed,
                                 size_t row,
                                 size_t col,
                                 uint64_t first_k,
                                 uint64_t last_k);

/**
 * A format by its name: `e4m3fn`, `e5m2`, `bf16`, `int8`, `ufix8.4`, ... Null where there is none of this name.
 */
struct fewbit_format *fewbit_format_new(const char *name);

/**
 * Frees a format; null is nothing to free.
 */
void fewbit_format_free(struct fewbit_format *format);

/**
 * The format's own name, valid as long as the format; empty for a wrong handle.
 */
const char *fewbit_format_name(const struct fewbit_format *format);

/**
 * The bits of a code; 0 for a wrong handle.
 */
uint32_t fewbit_format_bits(const struct fewbit_format *handle);

/**
 * The least and the greatest finite value.
 */
uint32_t fewbit_format_range(const struct fewbit_format *handle, double *least, double *greatest);

/**
 * Whether the code is one of the format; `FEWBIT_OK`, or the error that says why not.
 */
uint32_t fewbit_format_check(const struct fewbit_format *handle, uint64_t number);

/**
 * A format of groups by its name (`mxfp8e4m3`, `mxfp4`, `nvfp4`, `mx(int4,e8m0fnu,64)`, ...), under the policy of a stack
 * (`ocp-1.0`, `torchao-0.13-rceil`, ...). Null where there is none of these names.
 */
struct fewbit_group *fewbit_group_new(const char *name,
                                      const char *preset);

/**
 * Frees a format of groups; null is nothing to free.
 */
void fewbit_group_free(struct fewbit_group *group);

/**
 * How many elements share a scale; 0 for a wrong handle.
 */
uint32_t fewbit_group_size(const struct fewbit_group *group);

/**
 * How many scales and scales of scales an array of this layout has.
 */
uint32_t fewbit_group_scales(const struct fewbit_group *group,
                             const struct fewbit_group_layout *layout,
                             size_t *scales,
                             size_t *outer_scales);

/**
 * Encodes an array of floats in groups: the codes of its elements, of its scales, of the zero points (null where the format has
 * none) and of the scales above those (null where it has none), as many as `fewbit_group_scales` says.
 *
 * After an error what the arrays hold is not defined.
 */
uint32_t fewbit_group_encode(const struct fewbit_group *group,
                             uint64_t seed,
                             const float *x,
                             const struct fewbit_group_layout *layout,
                             void *codes,
                             uint32_t code_type,
                             uint32_t *scales,
                             uint32_t *zero_points,
                             uint32_t *outer_scales,
                             const struct fewbit_threads *threads);

/**
 * Decodes an array of groups to floats; the arrays are those of `fewbit_group_encode`.
 */
uint32_t fewbit_group_decode(const struct fewbit_group *group,
                             const void *codes,
                             uint32_t code_type,
                             const struct fewbit_group_layout *layout,
                             const uint32_t *scales,
                             const uint32_t *zero_points,
                             const uint32_t *outer_scales,
                             float *x,
                             const struct fewbit_threads *threads);

/**
 * The accumulator as a machine of products, every register at 0. Null where it goes wrong.
 */
struct fewbit_machine *fewbit_machine_new(const struct fewbit_accumulator *acc);

/**
 * The accumulator as a machine whose products are codes of `a` times codes of `b`.
 */
struct fewbit_machine *fewbit_machine_for(const struct fewbit_accumulator *acc,
                                          const struct fewbit_format *a,
                                          const struct fewbit_format *b);

/**
 * As `fewbit_machine_for`, with elements under block scales; a scale's format may be null.
 */
struct fewbit_machine *fewbit_machine_for_scaled(const struct fewbit_accumulator *acc,
                                                 const struct fewbit_format *a,
                                                 const struct fewbit_format *scale_a,
                                                 const struct fewbit_format *b,
                                                 const struct fewbit_format *scale_b);

/**
 * Frees a machine; null is nothing to free.
 */
void fewbit_machine_free(struct fewbit_machine *machine);

/**
 * Stochastic rounding takes the bits of this seed and of this output's row-major index from now on; the machine is reset.
 */
uint32_t fewbit_machine_seed(struct fewbit_machine *machine,
                             uint64_t seed,
                             uint64_t output);

/**
 * Forgets everything; the last register starts at `start`, the others at 0.
 */
uint32_t fewbit_machine_reset(struct fewbit_machine *machine, int64_t start);

/**
 * As `fewbit_machine_reset`, with a number to start from.
 */
uint32_t fewbit_machine_reset_real(struct fewbit_machine *machine, double start);

/**
 * Takes the next product. OF in the result: a step that it caused was an overflow event.
 */
uint32_t fewbit_machine_push(struct fewbit_machine *machine, int64_t product);

/**
 * Takes the exact product of two numbers; of machines of float registers. NV in the result: a step made a NaN of other values, as
 * infinity minus infinity does; a product of infinity and zero is a NaN that enters, and raises nothing.
 */
uint32_t fewbit_machine_push_real(struct fewbit_machine *machine,
                                  double a,
                                  double b);

/**
 * Takes the product of two codes; of machines of `fewbit_machine_for`. Flags of float registers are those of
 * `fewbit_machine_push_real`.
 */
uint32_t fewbit_machine_push_codes(struct fewbit_machine *machine, uint64_t a, uint64_t b);

/**
 * Takes the product of two codes under the codes of their scales; of machines whose elements both have scales.
 */
uint32_t fewbit_machine_push_scaled(struct fewbit_machine *machine,
                                    uint64_t a,
                                    uint64_t scale_a,
                                    uint64_t b,
                                    uint64_t scale_b);

/**
 * Takes products in ascending k: one input of a dot unit, or as many as there are. The result has the flags of all steps.
 */
uint32_t fewbit_machine_push_group(struct fewbit_machine *machine,
                                   const int64_t *products,
                                   size_t length);

/**
 * Takes products of codes in ascending k.
 */
uint32_t fewbit_machine_push_code_group(struct fewbit_machine *machine,
                                        const uint64_t *a,
                                        const uint64_t *b,
                                        size_t length);

/**
 * Closes groups and tiles that are not full, as the end of a product does; `fewbit_machine_value` is then the output.
 */
uint32_t fewbit_machine_drain(struct fewbit_machine *machine);

/**
 * The last register after its last step, as an integer; an error where it is none.
 */
uint32_t fewbit_machine_value(const struct fewbit_machine *machine, int64_t *value);

/**
 * The last register after its last step, as the nearest double. NX: it is not exact.
 */
uint32_t fewbit_machine_real(const struct fewbit_machine *machine, double *value);

/**
 * The last register after its last step, as a code of its float format.
 */
uint32_t fewbit_machine_code(const struct fewbit_machine *machine, uint64_t *code);

/**
 * The integer register of a stage, from 0, after its last step.
 */
uint32_t fewbit_machine_stage(const struct fewbit_machine *machine, uint32_t stage, int64_t *value);

/**
 * The register of a stage, from 0, after its last step, as the nearest double.
 */
uint32_t fewbit_machine_stage_real(const struct fewbit_machine *machine, uint32_t stage, double *value);

/**
 * The overflow events of a stage, from 0, since the last reset.
 */
uint32_t fewbit_machine_events(const struct fewbit_machine *machine, uint32_t stage, uint64_t *events);

/**
 * Keeps the last so many steps since each reset for `fewbit_machine_steps`; 0, as at first, keeps none.
 */
uint32_t fewbit_machine_record(struct fewbit_machine *machine, uint32_t steps);

/**
 * The steps that were kept, a line each: register before, input, exact sum, register after, flags. Valid until this thread is
 * given the next text; empty where nothing is kept.
 */
const char *fewbit_machine_steps(const struct fewbit_machine *machine);

/**
 * What a product of this one output would report of its integer stages: `reports` has room for one per stage, innermost first.
 */
uint32_t fewbit_machine_report(const struct fewbit_machine *machine,
                               struct fewbit_stage_report *reports,
                               size_t stages);

/**
 * As `fewbit_machine_report`, of machines of other registers.
 */
uint32_t fewbit_machine_float_report(const struct fewbit_machine *machine,
                                     struct fewbit_float_stage_report *reports,
                                     size_t stages);

/**
 * An array of machines, every register at 0. Null where it goes wrong, as for stages that are not integers.
 */
struct fewbit_array *fewbit_array_new(const struct fewbit_accumulator *acc, uint32_t rows, uint32_t cols);

/**
 * Frees an array; null is nothing to free.
 */
void fewbit_array_free(struct fewbit_array *array);

/**
 * One step: register (i, j) takes `column[i] * row[j]`. `column` has as many elements as the array has rows, `row` as columns.
 */
uint32_t fewbit_array_push_outer(struct fewbit_array *array,
                                 const int *column,
                                 const int *row);

/**
 * One step: each register takes its own product; `products` is row-major.
 */
uint32_t fewbit_array_push_products(struct fewbit_array *array, const int64_t *products);

/**
 * `fewbit_array_push_outer` of buffers, whose elements are integers of 32 bits.
 */
uint32_t fewbit_array_push_buffers(struct fewbit_array *array,
                                   const struct fewbit_buffer *column,
                                   const struct fewbit_buffer *row);

/**
 * Every last register after its last step, row-major.
 */
uint32_t fewbit_array_values(const struct fewbit_array *array, int64_t *values);

/**
 * The events of a stage of every machine since the last reset, row-major.
 */
uint32_t fewbit_array_all_events(const struct fewbit_array *array, uint32_t stage, uint64_t *events);

/**
 * One last register after its last step.
 */
uint32_t fewbit_array_value(const struct fewbit_array *array, uint32_t row, uint32_t col, int64_t *value);

/**
 * The events of a stage of one machine since the last reset; 0 of a stage that the accumulator lacks.
 */
uint32_t fewbit_array_events(const struct fewbit_array *array,
                             uint32_t stage,
                             uint32_t row,
                             uint32_t col,
                             uint64_t *events);

/**
 * Closes groups and tiles that are not full, in every machine.
 */
uint32_t fewbit_array_drain(struct fewbit_array *array);

/**
 * Forgets everything; every register starts at 0.
 */
uint32_t fewbit_array_reset(struct fewbit_array *array);

/**
 * As `fewbit_array_reset`; the last registers start at `starts`, row-major.
 */
uint32_t fewbit_array_reset_to(struct fewbit_array *array, const int64_t *starts);

/**
 * A policy from text: a rounding mode, an overflow policy, and other axes as `axis=choice`, as in `ties-even,saturate` and
 * `rz,special,nan=zero`; or a stack's name, as `ocp-1.0`. Null where the text is none of these.
 *
 * Axes that are not named keep most of the value: a NaN stays a NaN and is an error where the format has none, infinities
 * overflow, zeros keep their sign, subnormals are kept.
 */
struct fewbit_policy *fewbit_policy_new(const char *text);

/**
 * Frees a policy; null is nothing to free.
 */
void fewbit_policy_free(struct fewbit_policy *policy);

/**
 * Packs a right operand, `[K, N]`, to be multiplied many times. Null where it goes wrong.
 */
struct fewbit_packed *fewbit_packed_new(const struct fewbit_matrix *b);

/**
 * Frees a packed matrix; null is nothing to free.
 */
void fewbit_packed_free(struct fewbit_packed *packed);

/**
 * The product of `a`, `[M, K]`, and `b`, `[K, N]`, through an accumulator of integer stages, into `out`, `[M, N]`, of int16, int32
 * or int64. `a` and `b` are of integer types but uint64. `init`, `[M, N]` of int64, is what the last registers start from; null
 * for 0. `reports` has room for a report per stage, innermost first; it may be null at FEWBIT_REPORT_LEVEL_NONE.
 *
 * After an error what `out` holds is not defined.
 */
uint32_t fewbit_matmul(const struct fewbit_accumulator *acc,
                       const struct fewbit_matrix *a,
                       const struct fewbit_matrix *b,
                       const struct fewbit_matrix *init,
                       const struct fewbit_matrix *out,
                       uint32_t level,
                       struct fewbit_stage_report *reports,
                       const struct fewbit_threads *threads);

/**
 * `fewbit_matmul` with a right operand that was packed before.
 */
uint32_t fewbit_matmul_packed(const struct fewbit_accumulator *acc,
                              const struct fewbit_matrix *a,
                              const struct fewbit_packed *b,
                              const struct fewbit_matrix *init,
                              const struct fewbit_matrix *out,
                              uint32_t level,
                              struct fewbit_stage_report *reports,
                              const struct fewbit_threads *threads);

/**
 * The dot product of two lists of `length` integers through an accumulator of integer stages; `reports` as in `fewbit_matmul`.
 */
uint32_t fewbit_dot(const struct fewbit_accumulator *acc,
                    const void *a,
                    uint32_t a_type,
                    const void *b,
                    uint32_t b_type,
                    size_t length,
                    int64_t *value,
                    uint32_t level,
                    struct fewbit_stage_report *reports);

/**
 * How output (row, col) of `fewbit_matmul` comes about, as a table of its steps in text; those that products `first_k` to `last_k`
 * enter. Valid until this thread is given the next text; empty after an error.
 */
const char *fewbit_explain(const struct fewbit_accumulator *acc,
                           const struct fewbit_matrix *a,
                           const struct fewbit_matrix *b,
                           size_t row,
                           size_t col,
                           uint64_t first_k,
                           uint64_t last_k);

/**
 * A policy with one multiplier and one shift for all channels: `tosa32`, `tosa32-double`, `gemmlowp`, `tflite-single`, `cmsis`, ...;
 * in the policy's own convention (TOSA's shift is to the right, TFLite's is the exponent). The output saturates. Null where
 * it goes wrong.
 */
struct fewbit_requantizer *fewbit_requantizer_new(const char *name,
                                                  const struct fewbit_format *out,
                                                  int32_t multiplier,
                                                  int32_t shift);

/**
 * A policy with a multiplier and a shift per channel; one for all where `length` is 1.
 */
struct fewbit_requantizer *fewbit_requantizer_of_multipliers(const char *name,
                                                             const struct fewbit_format *out,
                                                             const int32_t *multipliers,
                                                             const int32_t *shifts,
                                                             size_t length);

/**
 * A policy with real scales, one per channel or one for all where `length` is 1: what the policy's stack makes of them (a
 * multiplier and a shift, an exponent, a float, or the scale itself).
 */
struct fewbit_requantizer *fewbit_requantizer_of_scales(const char *name,
                                                        const struct fewbit_format *out,
                                                        const double *scales,
                                                        size_t length);

/**
 * Thresholds, `count` for each of `channel_count` channels one after the other: an output is how many of its channel's are reached,
 * times `out_scale`, plus `out_bias`.
 */
struct fewbit_requantizer *fewbit_requantizer_of_thresholds(const struct fewbit_format *out,
                                                            const int64_t *thresholds,
                                                            size_t count,
                                                            size_t channel_count,
                                                            int64_t out_scale,
                                                            int64_t out_bias);

/**
 * Frees a requantizer; null is nothing to free.
 */
void fewbit_requantizer_free(struct fewbit_requantizer *requantizer);

/**
 * Adds a zero point, in units of the output, to every scaled value.
 */
uint32_t fewbit_requantizer_set_zero_point(struct fewbit_requantizer *requantizer, int64_t zero_point);

/**
 * Adds a bias, in units of the accumulator, to every value before it is scaled.
 */
uint32_t fewbit_requantizer_set_bias(struct fewbit_requantizer *requantizer, int64_t bias);

/**
 * Adds a bias per channel to every value before it is scaled; one for all where `length` is 1.
 */
uint32_t fewbit_requantizer_set_biases(struct fewbit_requantizer *requantizer, const int64_t *biases, size_t length);

/**
 * What becomes of an output beyond its format, by an overflow policy's name; `saturate` at first.
 */
uint32_t fewbit_requantizer_set_overflow(struct fewbit_requantizer *requantizer, const char *name);

/**
 * The seed of a stochastic rounding mode.
 */
uint32_t fewbit_requantizer_set_seed(struct fewbit_requantizer *requantizer, uint64_t seed);

/**
 * Requantizes one value; `index` is its place in the tensor, whose last axis has the channels.
 */
uint32_t fewbit_requantizer_run(const struct fewbit_requantizer *requantizer,
                                uint64_t index,
                                int64_t value,
                                int64_t *result);

/**
 * Requantizes `length` values of int32 or int64, whose last axis has the channels, to as many outputs of an integer type that holds
 * the output's format.
 *
 * After an error what `results` holds is not defined.
 */
uint32_t fewbit_requantizer_run_array(const struct fewbit_requantizer *requantizer,
                                      const void *values,
                                      uint32_t value_type,
                                      size_t length,
                                      void *results,
                                      uint32_t result_type,
                                      const struct fewbit_threads *threads);

/**
 * The code of `x`: one rounding. `random` has the bits of stochastic rounding in its low bits (see `fewbit_random_bits`).
 */
uint32_t fewbit_encode(const struct fewbit_format *format,
                       const struct fewbit_policy *policy,
                       double x,
                       uint32_t random,
                       uint64_t *code);

/**
 * As `fewbit_encode`, of a float: what is subnormal there is one to the policy's subnormal-input axis.
 */
uint32_t fewbit_encode_f32(const struct fewbit_format *format,
                           const struct fewbit_policy *policy,
                           float x,
                           uint32_t random,
                           uint64_t *code);

/**
 * As `fewbit_encode`, of an integer.
 */
uint32_t fewbit_encode_i64(const struct fewbit_format *format,
                           const struct fewbit_policy *policy,
                           int64_t x,
                           uint32_t random,
                           uint64_t *code);

/**
 * The value of a code. It is exact, but for formats whose values exceed a double (NX, and the nearest).
 */
uint32_t fewbit_decode(const struct fewbit_format *handle, uint64_t number, double *x);

/**
 * The code of another code's value: one rounding.
 */
uint32_t fewbit_convert(const struct fewbit_format *from,
                        uint64_t code,
                        const struct fewbit_format *to,
                        const struct fewbit_policy *policy,
                        uint32_t random,
                        uint64_t *result);

/**
 * `a + b` of one format, rounded once.
 */
uint32_t fewbit_add(const struct fewbit_format *format,
                    const struct fewbit_policy *policy,
                    uint64_t a,
                    uint64_t b,
                    uint32_t random,
                    uint64_t *result);

/**
 * `a - b` of one format, rounded once.
 */
uint32_t fewbit_sub(const struct fewbit_format *format,
                    const struct fewbit_policy *policy,
                    uint64_t a,
                    uint64_t b,
                    uint32_t random,
                    uint64_t *result);

/**
 * `a * b` of one format, rounded once.
 */
uint32_t fewbit_mul(const struct fewbit_format *format,
                    const struct fewbit_policy *policy,
                    uint64_t a,
                    uint64_t b,
                    uint32_t random,
                    uint64_t *result);

/**
 * `a / b` of one format, rounded once.
 */
uint32_t fewbit_div(const struct fewbit_format *format,
                    const struct fewbit_policy *policy,
                    uint64_t a,
                    uint64_t b,
                    uint32_t random,
                    uint64_t *result);

/**
 * The square root of `a`, rounded once.
 */
uint32_t fewbit_sqrt(const struct fewbit_format *format,
                     const struct fewbit_policy *policy,
                     uint64_t a,
                     uint32_t random,
                     uint64_t *result);

/**
 * `a * b + c` of one format, rounded once.
 */
uint32_t fewbit_fma(const struct fewbit_format *format,
                    const struct fewbit_policy *policy,
                    uint64_t a,
                    uint64_t b,
                    uint64_t c,
                    uint32_t random,
                    uint64_t *result);

/**
 * Any operation on codes of any formats into any format, rounded once. `operation` is a `fewbit_operation`; formats of operands
 * that it has not may be null.
 */
uint32_t fewbit_operate(uint32_t operation,
                        const struct fewbit_format *format_a,
                        uint64_t a,
                        const struct fewbit_format *format_b,
                        uint64_t b,
                        const struct fewbit_format *format_c,
                        uint64_t c,
                        const struct fewbit_format *to,
                        const struct fewbit_policy *policy,
                        uint32_t random,
                        uint64_t *result);

/**
 * 32 random bits that depend on a seed and an index alone: those that arrays take for their element of this index.
 */
uint32_t fewbit_random_bits(uint64_t seed, uint64_t index);

/**
 * What the last error of this thread was; empty where there was none. It stays valid until the thread's next error.
 */
const char *fewbit_last_error(void);

/**
 * A table from its text, such as `sigmoid,in=fix16.10,out=fix18.10,address=step64:-512:1024` or
 * `tanh,in=int8*0.0625,out=int8*0.0078125`. Null where it is none.
 */
struct fewbit_table *fewbit_table_new(const char *text);

/**
 * Frees a table; null is nothing to free.
 */
void fewbit_table_free(struct fewbit_table *table);

/**
 * How many entries it has; 0 for a wrong handle.
 */
uint32_t fewbit_table_length(const struct fewbit_table *table);

/**
 * The entries in the order in which a memory holds them; `entries` has room for `length`, which is `fewbit_table_length`.
 */
uint32_t fewbit_table_entries(const struct fewbit_table *table,
                              uint32_t *entries,
                              size_t length);

/**
 * The code that the table gives for a code.
 */
uint32_t fewbit_table_run(const struct fewbit_table *table, uint64_t code, uint64_t *result);

/**
 * The codes that the table gives for `length` codes.
 */
uint32_t fewbit_table_run_array(const struct fewbit_table *table,
                                const uint32_t *codes,
                                size_t length,
                                uint32_t *results);

/**
 * A pool of `count` threads, at most 1024; 0 for as many as there are cores. Functions that take a pool run on one thread per
 * core, of a pool of the process, where they are given null.
 */
struct fewbit_threads *fewbit_threads_new(uint32_t count);

/**
 * Ends the threads; null is nothing to free.
 */
void fewbit_threads_free(struct fewbit_threads *threads);

/**
 * The version of the library, such as `0.1.0`.
 */
const char *fewbit_version(void);

/**
 * `FEWBIT_ABI_VERSION` of the library that is linked.
 */
uint32_t fewbit_abi_version(void);

#ifdef __cplusplus
}
#endif

#endif  /* FEWBIT_H */
