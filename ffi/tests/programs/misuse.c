/* What is wrong is refused with a status and a message, and nothing crashes. */
#include <fewbit.h>

#include <stdio.h>
#include <string.h>

static int failures = 0;

/* The status is of this kind, and the message contains this text. */
static void expect(int line, uint32_t status, uint32_t kind, const char *text) {
    if (status != kind || strstr(fewbit_last_error(), text) == NULL) {
        printf("%s:%d: status 0x%x, expected 0x%x; message `%s`, expected `%s`\n", __FILE__, line, (unsigned)status,
               (unsigned)kind, fewbit_last_error(), text);
        failures++;
    }
}

#define REFUSED(call, kind, text) expect(__LINE__, (call), FEWBIT_STATUS_ERROR_##kind, text)
#define NO_OBJECT(call, text) expect(__LINE__, (call) == NULL ? FEWBIT_STATUS_ERROR : 0, FEWBIT_STATUS_ERROR, text)

int main(void) {
    fewbit_format *e4m3 = fewbit_format_new("e4m3fn"), *e2m1 = fewbit_format_new("e2m1fn"), *int8 = fewbit_format_new("int8");
    fewbit_policy *nearest = fewbit_policy_new("ties-even,saturate");
    fewbit_accumulator *acc = fewbit_accumulator_new("int16-sat/2,int8-sat"), *f32 = fewbit_accumulator_new("f32");
    fewbit_machine *mac = fewbit_machine_new(acc);
    uint64_t code = 0;
    int64_t value = 0;
    double x = 0;

    /* Names. */
    NO_OBJECT(fewbit_format_new(NULL), "null");
    NO_OBJECT(fewbit_format_new("e4m3xx"), "e4m3xx");
    NO_OBJECT(fewbit_format_new("\xff\xfe"), "UTF-8");
    NO_OBJECT(fewbit_policy_new("ties-even"), "ties-even");
    NO_OBJECT(fewbit_policy_new("ties-even,saturate,nan=maybe"), "maybe");
    NO_OBJECT(fewbit_policy_new("ties-even,saturate,color=red"), "color");
    NO_OBJECT(fewbit_accumulator_new("int1-sat"), "1");
    NO_OBJECT(fewbit_accumulator_new(""), "");
    NO_OBJECT(fewbit_group_new("mxfp4", "no-such-stack"), "no-such-stack");
    NO_OBJECT(fewbit_requantizer_new("tosa99", int8, 1, 1), "tosa99");
    NO_OBJECT(fewbit_requantizer_new("tosa32", e4m3, 1 << 30, 30), "e4m3fn");
    NO_OBJECT(fewbit_requantizer_new("tosa32", int8, -1, 30), "-1");
    NO_OBJECT(fewbit_table_new("sigmoid"), "in");
    NO_OBJECT(fewbit_threads_new(5000), "5000");
    NO_OBJECT(fewbit_buffer_new(UINT64_MAX), "memory");
    NO_OBJECT(fewbit_array_new(f32, 2, 2), "f32");
    NO_OBJECT(fewbit_array_new(acc, UINT32_MAX, UINT32_MAX), "");

    /* Handles: null, of another kind, memory of the caller's. */
    uint64_t other[8] = {0};
    REFUSED(fewbit_encode(NULL, nearest, 1, 0, &code), HANDLE, "format");
    REFUSED(fewbit_encode(e4m3, NULL, 1, 0, &code), HANDLE, "policy");
    REFUSED(fewbit_encode((fewbit_format *)(void *)nearest, nearest, 1, 0, &code), HANDLE, "format");
    REFUSED(fewbit_encode((fewbit_format *)(void *)other, nearest, 1, 0, &code), HANDLE, "format");
    REFUSED(fewbit_encode((fewbit_format *)(void *)((char *)other + 1), nearest, 1, 0, &code), HANDLE, "format");
    REFUSED(fewbit_machine_push((fewbit_machine *)(void *)acc, 1), HANDLE, "machine");
    NO_OBJECT(fewbit_machine_new((fewbit_accumulator *)(void *)mac), "accumulator");
    if (fewbit_format_bits(NULL) != 0 || fewbit_accumulator_stages(NULL) != 0 || fewbit_format_name(NULL)[0] != 0) {
        failures++;
    }
    fewbit_format_free((fewbit_format *)(void *)acc); /* frees nothing */
    fewbit_format_free(NULL);
    if (fewbit_accumulator_stages(acc) != 2) {
        failures++;
    }

    /* Pointers. */
    const float values[2] = {1, 2};
    uint32_t codes[2];
    int32_t overlapping[4] = {1, 2, 3, 4};
    REFUSED(fewbit_encode(e4m3, nearest, 1, 0, NULL), POINTER, "null");
    REFUSED(fewbit_decode(e4m3, 0, (double *)(void *)((char *)other + 1)), POINTER, "aligned");
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, NULL, FEWBIT_TYPE_F32, 2, codes, FEWBIT_TYPE_U32, NULL), POINTER, "null");
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, values, FEWBIT_TYPE_F32, 2, NULL, FEWBIT_TYPE_U8, NULL), POINTER, "null");
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, (const char *)values + 1, FEWBIT_TYPE_F32, 1, codes, FEWBIT_TYPE_U8, NULL),
            POINTER, "aligned");
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, overlapping, FEWBIT_TYPE_I32, 4, overlapping + 1, FEWBIT_TYPE_U8, NULL),
            POINTER, "overlaps");

    /* Lengths and types. */
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, values, FEWBIT_TYPE_F32, SIZE_MAX, codes, FEWBIT_TYPE_U8, NULL), LENGTH,
            "memory");
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, values, 77, 2, codes, FEWBIT_TYPE_U8, NULL), VALUE, "77");
    REFUSED(fewbit_encode_array(e4m3, nearest, 0, 0, values, FEWBIT_TYPE_F32, 2, codes, FEWBIT_TYPE_F32, NULL), VALUE, "F32");
    fewbit_format *f16 = fewbit_format_new("f16");
    REFUSED(fewbit_encode_array(f16, nearest, 0, 0, values, FEWBIT_TYPE_F32, 2, codes, FEWBIT_TYPE_U8, NULL), VALUE, "8");
    fewbit_matrix a = {overlapping, FEWBIT_TYPE_I32, 1, 4, 4, 1}, b = {overlapping, FEWBIT_TYPE_I32, 3, 1, 1, 1};
    int64_t sum[1];
    fewbit_matrix out = {sum, FEWBIT_TYPE_I64, 1, 1, 1, 1}, huge = {overlapping, FEWBIT_TYPE_I32, SIZE_MAX, 4, 4, 1};
    fewbit_stage_report reports[2];
    REFUSED(fewbit_matmul(acc, &a, &b, NULL, &out, 0, NULL, NULL), VALUE, "1x4");
    b.rows = 4;
    REFUSED(fewbit_matmul(acc, &a, &b, NULL, &out, 9, NULL, NULL), VALUE, "9");
    REFUSED(fewbit_matmul(acc, &a, &b, NULL, &out, FEWBIT_REPORT_LEVEL_FULL, NULL, NULL), POINTER, "reports");
    REFUSED(fewbit_matmul(acc, NULL, &b, NULL, &out, 0, NULL, NULL), POINTER, "a");
    REFUSED(fewbit_matmul(acc, &huge, &b, NULL, &out, 0, NULL, NULL), LENGTH, "memory");
    REFUSED(fewbit_matmul(f32, &a, &b, NULL, &out, 0, NULL, NULL), VALUE, "f32");
    REFUSED(fewbit_matmul(acc, &a, &b, NULL, &a, 0, NULL, NULL), POINTER, "overlaps");
    if (fewbit_matmul(acc, &a, &b, NULL, &out, FEWBIT_REPORT_LEVEL_FULL, reports, NULL) != 0 || sum[0] != 30) {
        failures++;
    }
    fewbit_bound bounds[1];
    REFUSED(fewbit_bounds(acc, &out, 0, 1, bounds, 1), LENGTH, "2 stages");
    REFUSED(fewbit_bounds(acc, &out, 3, 1, bounds, 2), VALUE, "[3, 1]");
    fewbit_buffer *two = fewbit_buffer_new(2), *three = fewbit_buffer_new(3);
    REFUSED(fewbit_buffer_get(two, 2, &value), LENGTH, "2");
    REFUSED(fewbit_dot_buffers(acc, two, three, &value, &code), VALUE, "2");
    REFUSED(fewbit_matmul_buffers(acc, two, two, two, 1, 2, 1), POINTER, "read");

    /* Values. */
    REFUSED(fewbit_decode(e2m1, 16, &x), VALUE, "0x10");
    REFUSED(fewbit_add(e2m1, nearest, 0, 99, 0, &code), VALUE, "0x63");
    fewbit_policy *strict = fewbit_policy_new("rne,sat,nan=error");
    REFUSED(fewbit_encode(e2m1, strict, 0.0 / (x - x), 0, &code), VALUE, "NaN");
    REFUSED(fewbit_operate(99, e4m3, 0, e4m3, 0, e4m3, 0, e4m3, nearest, 0, &code), VALUE, "99");
    REFUSED(fewbit_machine_stage(mac, 2, &value), VALUE, "2");
    REFUSED(fewbit_machine_events(mac, 7, &code), VALUE, "7");
    REFUSED(fewbit_machine_push_codes(mac, 1, 1), VALUE, "fewbit_machine_for");
    REFUSED(fewbit_machine_code(mac, &code), VALUE, "integer");
    REFUSED(fewbit_machine_reset(mac, 1000), VALUE, "1000");
    REFUSED(fewbit_machine_report(mac, reports, 1), LENGTH, "2 stages");
    fewbit_machine *coded = fewbit_machine_for(acc, int8, int8);
    REFUSED(fewbit_machine_push_codes(coded, 256, 1), VALUE, "0x100");
    REFUSED(fewbit_machine_push_codes(coded, UINT64_MAX, 1), VALUE, "32 bits");
    REFUSED(fewbit_machine_push_scaled(coded, 1, 1, 1, 1), VALUE, "scale");
    REFUSED(fewbit_machine_push(coded, 1), VALUE, "codes");
    fewbit_array *tile = fewbit_array_new(acc, 2, 3);
    REFUSED(fewbit_array_value(tile, 2, 0, &value), VALUE, "(2, 0)");
    REFUSED(fewbit_array_push_products(tile, NULL), POINTER, "null");

    fewbit_array_free(tile);
    fewbit_machine_free(coded);
    fewbit_machine_free(mac);
    fewbit_policy_free(strict);
    fewbit_policy_free(nearest);
    fewbit_buffer_free(two);
    fewbit_buffer_free(three);
    fewbit_format_free(f16);
    fewbit_format_free(int8);
    fewbit_format_free(e2m1);
    fewbit_format_free(e4m3);
    fewbit_accumulator_free(f32);
    fewbit_accumulator_free(acc);
    printf("%d failures\n", failures);
    return failures != 0;
}
