/* Results that are checked by hand, through every part of the header. */
#include <fewbit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            printf("%s:%d: %s does not hold; last error: %s\n", __FILE__, __LINE__, #condition, fewbit_last_error()); \
            failures++;                                                                                               \
        }                                                                                                             \
    } while (0)

static void scalars(void) {
    fewbit_format *e4m3 = fewbit_format_new("e4m3fn");
    fewbit_format *bf16 = fewbit_format_new("bf16");
    fewbit_policy *nearest = fewbit_policy_new("ties-even,saturate");
    uint64_t code = 0;
    double x = 0, least = 0, greatest = 0;
    CHECK(e4m3 && bf16 && nearest);
    CHECK(strcmp(fewbit_format_name(e4m3), "e4m3fn") == 0);
    CHECK(fewbit_format_bits(e4m3) == 8);
    CHECK(fewbit_format_range(e4m3, &least, &greatest) == 0 && least == -448 && greatest == 448);
    /* 3.1 is nearest to 3.0 = 1.5 * 2^1. */
    CHECK(fewbit_encode(e4m3, nearest, 3.1, 0, &code) == FEWBIT_STATUS_INEXACT && code == 0x44);
    CHECK(fewbit_decode(e4m3, 0x44, &x) == FEWBIT_STATUS_OK && x == 3.0);
    CHECK(fewbit_encode(e4m3, nearest, 1000, 0, &code) == (FEWBIT_STATUS_OVERFLOW | FEWBIT_STATUS_INEXACT) && code == 0x7e);
    CHECK(fewbit_encode_f32(e4m3, nearest, -1.0f, 0, &code) == 0 && code == 0xb8);
    CHECK(fewbit_encode_i64(e4m3, nearest, 17, 0, &code) == FEWBIT_STATUS_INEXACT && code == 0x58); /* a tie: 16 */
    CHECK(fewbit_convert(bf16, 0x3f80, e4m3, nearest, 0, &code) == 0 && code == 0x38);
    CHECK(fewbit_add(e4m3, nearest, 0x38, 0x44, 0, &code) == 0 && code == 0x48);      /* 1 + 3 */
    CHECK(fewbit_sub(e4m3, nearest, 0x38, 0x44, 0, &code) == 0 && code == 0xc0);      /* 1 - 3 */
    CHECK(fewbit_mul(e4m3, nearest, 0x44, 0x44, 0, &code) == 0 && code == 0x51);      /* 9 */
    CHECK(fewbit_div(e4m3, nearest, 0x38, 0x44, 0, &code) == FEWBIT_STATUS_INEXACT && code == 0x2b); /* 11/32 */
    CHECK(fewbit_sqrt(e4m3, nearest, 0x48, 0, &code) == 0 && code == 0x40);           /* 2 */
    CHECK(fewbit_fma(e4m3, nearest, 0x44, 0x44, 0x38, 0, &code) == 0 && code == 0x52); /* 10 */
    CHECK(fewbit_operate(FEWBIT_OPERATION_MUL, e4m3, 0x37, bf16, 0x3fe0, NULL, 0, bf16, nearest, 0, &code) == 0);
    CHECK(fewbit_decode(bf16, code, &x) == 0 && x == 1.640625); /* 0.9375 * 1.75 */
    fewbit_format_free(e4m3);
    fewbit_format_free(bf16);
    fewbit_policy_free(nearest);
}

static void arrays(void) {
    fewbit_format *e2m1 = fewbit_format_new("e2m1fn");
    fewbit_format *f16 = fewbit_format_new("f16");
    fewbit_policy *nearest = fewbit_policy_new("rne,sat,nan=zero");
    fewbit_threads *two = fewbit_threads_new(2);
    const float x[4] = {2.6f, -0.2f, 100.0f, NAN};
    uint8_t codes[4];
    uint16_t wide[4];
    double back[4];
    CHECK(fewbit_encode_array(e2m1, nearest, 0, 0, x, FEWBIT_TYPE_F32, 4, codes, FEWBIT_TYPE_U8, two) == 0);
    CHECK(codes[0] == 5 && codes[1] == 8 && codes[2] == 7 && codes[3] == 0);
    CHECK(fewbit_decode_array(e2m1, codes, FEWBIT_TYPE_U8, 4, back, FEWBIT_TYPE_F64, NULL) == 0);
    CHECK(back[0] == 3 && back[1] == 0 && signbit(back[1]) && back[2] == 6 && back[3] == 0);
    CHECK(fewbit_convert_array(e2m1, codes, FEWBIT_TYPE_U8, 4, f16, nearest, 0, 0, wide, FEWBIT_TYPE_U16, NULL) == 0);
    CHECK(wide[0] == 0x4200 && wide[1] == 0x8000 && wide[2] == 0x4600 && wide[3] == 0);
    fewbit_format_free(e2m1);
    fewbit_format_free(f16);
    fewbit_policy_free(nearest);
    fewbit_threads_free(two);
}

static void groups(void) {
    fewbit_group *mxfp4 = fewbit_group_new("mxfp4", "ocp-1.0");
    const float x[3] = {12.0f, -4.0f, 1.0f};
    const fewbit_group_layout layout = {1, 3, 1};
    uint8_t codes[3];
    uint32_t scale = 0;
    size_t scales = 0, outer = 1;
    float back[3];
    CHECK(fewbit_group_size(mxfp4) == 32);
    CHECK(fewbit_group_scales(mxfp4, &layout, &scales, &outer) == 0 && scales == 1 && outer == 0);
    CHECK(fewbit_group_encode(mxfp4, 0, x, &layout, codes, FEWBIT_TYPE_U8, &scale, NULL, NULL, NULL) == 0);
    CHECK(scale == 128 && codes[0] == 7 && codes[1] == 12 && codes[2] == 1); /* 2: 6, -2, 0.5 */
    CHECK(fewbit_group_decode(mxfp4, codes, FEWBIT_TYPE_U8, &layout, &scale, NULL, NULL, back, NULL) == 0);
    CHECK(back[0] == 12 && back[1] == -4 && back[2] == 1);
    fewbit_group_free(mxfp4);
}

static fewbit_matrix matrix(const void *data, uint32_t type, size_t rows, size_t cols) {
    fewbit_matrix m = {0};
    memcpy(&m.data, &data, sizeof data);
    m.element = type;
    m.rows = rows;
    m.cols = cols;
    m.row_stride = cols;
    m.col_stride = 1;
    return m;
}

static void products(void) {
    fewbit_accumulator *acc = fewbit_accumulator_new("int8-sat");
    const int8_t a[2][3] = {{100, 100, -50}, {1, 2, 3}};
    const int8_t b[3] = {1, 1, 1};
    int16_t out[2];
    int64_t value = 0, start[2] = {20, -20};
    fewbit_stage_report report;
    fewbit_matrix ma = matrix(a, FEWBIT_TYPE_I8, 2, 3), mb = matrix(b, FEWBIT_TYPE_I8, 3, 1);
    fewbit_matrix mo = matrix(out, FEWBIT_TYPE_I16, 2, 1), mi = matrix(start, FEWBIT_TYPE_I64, 2, 1);
    CHECK(fewbit_accumulator_stages(acc) == 1);
    CHECK(fewbit_matmul(acc, &ma, &mb, NULL, &mo, FEWBIT_REPORT_LEVEL_FULL, &report, NULL) == 0);
    CHECK(out[0] == 77 && out[1] == 6); /* 100, 127, 77 */
    CHECK(report.events == 1 && report.outputs == 1 && report.has_first == 1);
    CHECK(report.first_row == 0 && report.first_col == 0 && report.first_k == 1 && report.first_value.low == 200);
    CHECK(report.max.low == 200 && report.max.high == 0 && report.min.low == 0);
    CHECK(report.required_bits == 9 && report.histogram[9] == 1 && report.histogram[4] == 1);
    CHECK(fewbit_matmul(acc, &ma, &mb, &mi, &mo, FEWBIT_REPORT_LEVEL_NONE, NULL, NULL) == 0);
    CHECK(out[0] == 77 && out[1] == -14);
    fewbit_packed *packed = fewbit_packed_new(&mb);
    CHECK(fewbit_matmul_packed(acc, &ma, packed, NULL, &mo, FEWBIT_REPORT_LEVEL_EVENTS, &report, NULL) == 0);
    CHECK(out[0] == 77 && report.events == 1 && report.required_bits == 0);
    CHECK(fewbit_dot(acc, a[0], FEWBIT_TYPE_I8, b, FEWBIT_TYPE_I8, 3, &value, FEWBIT_REPORT_LEVEL_NONE, NULL) == 0);
    CHECK(value == 77);
    CHECK(strstr(fewbit_explain(acc, &ma, &mb, 0, 0, 0, 10), "100 * 1 = 100") != NULL);
    fewbit_packed_free(packed);
    fewbit_accumulator_free(acc);

    const uint8_t input[9] = {2, 2, 2, 2, 2, 2, 2, 2, 2};
    const int8_t kernel[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    int64_t image[9];
    size_t height = 0, width = 0;
    fewbit_conv conv = {0};
    conv.images = conv.channels = conv.outputs = conv.groups = 1;
    conv.height = conv.width = conv.kernel_height = conv.kernel_width = 3;
    for (int i = 0; i < 2; i++) {
        conv.stride[i] = conv.dilation[i] = conv.padding_before[i] = conv.padding_after[i] = 1;
    }
    acc = fewbit_accumulator_new("int5-sat");
    CHECK(fewbit_conv2d_output(&conv, &height, &width) == 0 && height == 3 && width == 3);
    CHECK(fewbit_conv2d(acc, &conv, input, FEWBIT_TYPE_U8, kernel, FEWBIT_TYPE_I8, NULL, image, 9, FEWBIT_REPORT_LEVEL_FULL,
                        &report, NULL) == 0);
    CHECK(image[0] == 8 && image[1] == 12 && image[4] == 15); /* 18 saturates */
    CHECK(report.outputs == 1 && report.events == 2 && report.first_col == 4);
    fewbit_accumulator_free(acc);
}

static void floats(void) {
    fewbit_format *e4m3 = fewbit_format_new("e4m3fn");
    fewbit_format *e2m1 = fewbit_format_new("e2m1fn");
    fewbit_format *e8m0 = fewbit_format_new("e8m0fnu");
    fewbit_accumulator *acc = fewbit_accumulator_new("e4m3fn-rne");
    const uint8_t a[2] = {0x7e, 0x38}, b[2] = {0x38, 0x38}; /* 448 + 1 */
    double out = 0;
    fewbit_operand left = {0}, right = {0};
    fewbit_float_stage_report report;
    fewbit_matrix mo = matrix(&out, FEWBIT_TYPE_F64, 1, 1);
    left.codes = matrix(a, FEWBIT_TYPE_U8, 1, 2);
    right.codes = matrix(b, FEWBIT_TYPE_U8, 2, 1);
    left.format = right.format = e4m3;
    CHECK(fewbit_matmul_float(acc, &left, &right, NULL, 0, &mo, FEWBIT_REPORT_LEVEL_FULL, &report, NULL) == 0);
    CHECK(out == 448 && report.steps == 2 && report.absorbed == 1 && report.inexact == 1);
    CHECK(strstr(fewbit_explain_float(acc, &left, &right, 0, 0, 0, 0, 9), "absorbed") != NULL);
    fewbit_accumulator_free(acc);

    acc = fewbit_accumulator_new("f16");
    fewbit_machine *register16 = fewbit_machine_new(acc);
    fewbit_float_stage_report counts;
    CHECK(fewbit_machine_push_real(register16, INFINITY, 1) == FEWBIT_STATUS_OK);
    CHECK(fewbit_machine_push_real(register16, -INFINITY, 1) == FEWBIT_STATUS_INVALID);
    CHECK(fewbit_machine_push_real(register16, 1, 1) == FEWBIT_STATUS_OK); /* a NaN stays one */
    CHECK(fewbit_machine_real(register16, &out) == FEWBIT_STATUS_OK && isnan(out));
    CHECK(fewbit_machine_float_report(register16, &counts, 1) == FEWBIT_STATUS_OK && counts.invalid == 1);
    fewbit_machine_free(register16);
    fewbit_accumulator_free(acc);

    const uint8_t six = 0x7, one = 0x2, two = 128, half = 126;
    acc = fewbit_accumulator_new("f32");
    left.codes = matrix(&six, FEWBIT_TYPE_U8, 1, 1);
    left.scales = matrix(&two, FEWBIT_TYPE_U8, 1, 1);
    right.codes = matrix(&one, FEWBIT_TYPE_U8, 1, 1);
    right.scales = matrix(&half, FEWBIT_TYPE_U8, 1, 1);
    left.format = right.format = e2m1;
    left.scale_format = right.scale_format = e8m0;
    left.block = right.block = 32;
    CHECK(fewbit_matmul_float(acc, &left, &right, NULL, 0, &mo, FEWBIT_REPORT_LEVEL_NONE, NULL, NULL) == 0 && out == 6);
    fewbit_machine *unit = fewbit_machine_for_scaled(acc, e2m1, e8m0, e2m1, e8m0);
    uint64_t code = 0;
    CHECK(fewbit_machine_push_scaled(unit, 7, 128, 2, 126) == 0);
    CHECK(fewbit_machine_drain(unit) == 0 && fewbit_machine_real(unit, &out) == 0 && out == 6);
    CHECK(fewbit_machine_code(unit, &code) == 0 && code == 0x40c00000);
    fewbit_machine_free(unit);
    fewbit_accumulator_free(acc);
    fewbit_format_free(e4m3);
    fewbit_format_free(e2m1);
    fewbit_format_free(e8m0);
}

static void machines(void) {
    fewbit_accumulator *acc = fewbit_accumulator_new("int8-wrap/2,int8-sat");
    fewbit_machine *mac = fewbit_machine_new(acc);
    int64_t value = 0;
    uint64_t events = 0;
    fewbit_stage_report reports[2];
    CHECK(fewbit_machine_record(mac, 8) == 0);
    CHECK(fewbit_machine_push(mac, 100) == 0);
    CHECK(fewbit_machine_stage(mac, 0, &value) == 0 && value == 100);
    CHECK(fewbit_machine_push(mac, 100) == FEWBIT_STATUS_OVERFLOW); /* 200 wraps to -56 */
    CHECK(fewbit_machine_value(mac, &value) == 0 && value == -56);
    const int64_t more[3] = {-100, 1, -1};
    CHECK(fewbit_machine_push_group(mac, more, 3) == FEWBIT_STATUS_OVERFLOW); /* -155 saturates; -1 waits */
    CHECK(fewbit_machine_value(mac, &value) == 0 && value == -128);
    CHECK(fewbit_machine_drain(mac) == FEWBIT_STATUS_OVERFLOW);
    CHECK(fewbit_machine_events(mac, 0, &events) == 0 && events == 1);
    CHECK(fewbit_machine_events(mac, 1, &events) == 0 && events == 2);
    CHECK(fewbit_machine_report(mac, reports, 2) == 0 && reports[1].events == 2 && reports[0].first_k == 1);
    CHECK(strstr(fewbit_machine_steps(mac), "stage 0, k 1: 100 + 100 = 200 -> -56  overflow") != NULL);
    CHECK(fewbit_machine_reset(mac, 5) == 0 && fewbit_machine_value(mac, &value) == 0 && value == 5);
    CHECK(fewbit_machine_steps(mac)[0] == 0);
    fewbit_machine_free(mac);
    fewbit_accumulator_free(acc);

    acc = fewbit_accumulator_new("int8-sat");
    fewbit_array *tile = fewbit_array_new(acc, 2, 2);
    const int column[2] = {10, -10}, row[2] = {8, 9}, second[2] = {8, 1};
    int64_t values[4];
    uint64_t all[4];
    CHECK(fewbit_array_push_outer(tile, column, row) == 0 && fewbit_array_push_outer(tile, column, second) == 0);
    CHECK(fewbit_array_values(tile, values) == 0 && values[0] == 127 && values[1] == 100 && values[2] == -128);
    CHECK(fewbit_array_all_events(tile, 0, all) == 0 && all[0] == 1 && all[1] == 0 && all[2] == 1);
    CHECK(fewbit_array_value(tile, 1, 1, &value) == 0 && value == -100);
    CHECK(fewbit_array_drain(tile) == 0 && fewbit_array_reset(tile) == 0);
    CHECK(fewbit_array_value(tile, 0, 0, &value) == 0 && value == 0);
    fewbit_array_free(tile);

    fewbit_buffer *a = fewbit_buffer_new(2), *b = fewbit_buffer_new(2), *out = fewbit_buffer_new(4);
    for (uint64_t i = 0; i < 2; i++) {
        CHECK(fewbit_buffer_set(a, i, 10) == 0 && fewbit_buffer_set(b, i, 7) == 0);
    }
    CHECK(fewbit_dot_buffers(acc, a, b, &value, &events) == 0 && value == 127 && events == 1);
    CHECK(fewbit_matmul_buffers(acc, a, b, out, 2, 1, 2) == 0);
    CHECK(fewbit_buffer_get(out, 3, &value) == 0 && value == 70);
    fewbit_buffer_free(a);
    fewbit_buffer_free(b);
    fewbit_buffer_free(out);
    fewbit_accumulator_free(acc);
}

static void after(void) {
    fewbit_format *int8 = fewbit_format_new("int8"), *uint8 = fewbit_format_new("uint8");
    fewbit_requantizer *tosa = fewbit_requantizer_new("tosa32", int8, 3 << 29, 32); /* 0.375 */
    int64_t result = 0;
    const int32_t values[4] = {100, -100, 4, 1000};
    int8_t results[4];
    CHECK(fewbit_requantizer_run(tosa, 0, 100, &result) == 0 && result == 38); /* 37.5, up */
    CHECK(fewbit_requantizer_run(tosa, 0, 1000, &result) == 0 && result == 127);
    CHECK(fewbit_requantizer_run_array(tosa, values, FEWBIT_TYPE_I32, 4, results, FEWBIT_TYPE_I8, NULL) == 0);
    CHECK(results[0] == 38 && results[1] == -37 && results[2] == 2 && results[3] == 127);
    CHECK(fewbit_requantizer_set_zero_point(tosa, -8) == 0 && fewbit_requantizer_set_bias(tosa, 4) == 0);
    CHECK(fewbit_requantizer_run(tosa, 0, 100, &result) == 0 && result == 31); /* 39 - 8 */
    fewbit_requantizer_free(tosa);
    const double scales[2] = {0.5, 0.25};
    fewbit_requantizer *onnx = fewbit_requantizer_of_scales("onnx", uint8, scales, 2);
    CHECK(fewbit_requantizer_run(onnx, 1, 110, &result) == 0 && result == 28);
    fewbit_requantizer_free(onnx);
    const int64_t thresholds[3] = {-5, 0, 10};
    fewbit_requantizer *steps = fewbit_requantizer_of_thresholds(uint8, thresholds, 3, 1, 1, 0);
    CHECK(fewbit_requantizer_run(steps, 0, 3, &result) == 0 && result == 2);
    fewbit_requantizer_free(steps);

    fewbit_table *table = fewbit_table_new("sigmoid,in=int8*0.0625,out=uint8*0.00390625");
    uint64_t code = 0;
    CHECK(fewbit_table_length(table) == 256);
    CHECK(fewbit_table_run(table, 0, &code) == 0 && code == 128); /* sigmoid(0) = 1/2 */
    fewbit_table_free(table);

    const int64_t weights[3] = {3, -2, 1};
    int64_t witness[3];
    fewbit_accumulator *acc = fewbit_accumulator_new("int8-sat");
    fewbit_matrix mw = matrix(weights, FEWBIT_TYPE_I64, 1, 3);
    fewbit_bound bound;
    CHECK(fewbit_bounds(acc, &mw, 0, 15, &bound, 1) == 0);
    CHECK(bound.required_bits == 7 && bound.fits == 1 && bound.max.low == 60 && (int64_t)bound.min.low == -30);
    CHECK(fewbit_witness(&mw, 0, 15, 0, bound.upper, witness, 3) == 0);
    CHECK(witness[0] == 15 && witness[1] == 0 && witness[2] == 15);
    fewbit_accumulator_free(acc);
    fewbit_format_free(int8);
    fewbit_format_free(uint8);
}

int main(void) {
    CHECK(fewbit_abi_version() == FEWBIT_ABI_VERSION);
    CHECK(fewbit_version()[0] != 0);
    scalars();
    arrays();
    groups();
    products();
    floats();
    machines();
    after();
    printf("%d failures\n", failures);
    return failures != 0;
}
