// The C header in a C++11 program.
#include <fewbit.h>

#include <cstdio>

int main() {
    fewbit_format *format = fewbit_format_new("e2m1fn");
    fewbit_policy *policy = fewbit_policy_new("ties-even,saturate");
    uint64_t code = 0;
    uint32_t status = fewbit_encode(format, policy, 2.6, 0, &code);
    int failures = status != FEWBIT_STATUS_INEXACT || code != 5;
    fewbit_matrix empty = {nullptr, FEWBIT_TYPE_I8, 0, 0, 0, 1};
    failures += empty.rows != 0;
    fewbit_format_free(format);
    fewbit_policy_free(policy);
    std::printf("%d failures\n", failures);
    return failures;
}
