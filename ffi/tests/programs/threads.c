/* Eight threads at once: shared formats, policies and accumulators, machines of their own, errors of their own. */
#include <fewbit.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 2000 };

struct shared {
    const fewbit_format *format;
    const fewbit_policy *policy;
    const fewbit_accumulator *acc;
    const fewbit_packed *packed;
};

struct job {
    const struct shared *shared;
    int number;
    uint64_t hash;
    int failures;
};

static void mix(struct job *job, uint64_t x) { job->hash = (job->hash ^ x) * 1099511628211ull; }

static void *run(void *argument) {
    struct job *job = argument;
    const struct shared *shared = job->shared;
    fewbit_machine *mac = fewbit_machine_new(shared->acc);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t code = 0;
        int64_t value = 0, out[4] = {0};
        int8_t a[4] = {(int8_t)round, (int8_t)(3 * round), (int8_t)(round >> 3), 7};
        fewbit_matrix ma = {a, FEWBIT_TYPE_I8, 2, 2, 2, 1}, mo = {out, FEWBIT_TYPE_I64, 2, 2, 2, 1};
        fewbit_stage_report report;
        char name[32];
        mix(job, fewbit_encode(shared->format, shared->policy, round * 0.37 - 100, 0, &code));
        mix(job, code);
        mix(job, fewbit_machine_push(mac, round % 251 - 125));
        fewbit_machine_value(mac, &value);
        mix(job, (uint64_t)value);
        mix(job, fewbit_matmul_packed(shared->acc, &ma, shared->packed, NULL, &mo, FEWBIT_REPORT_LEVEL_FULL, &report, NULL));
        mix(job, (uint64_t)out[3] + report.events);
        /* Everyone's last error is their own. */
        snprintf(name, sizeof name, "no-format-%d", job->number);
        if (fewbit_format_new(name) != NULL || strstr(fewbit_last_error(), name) == NULL) {
            job->failures++;
        }
    }
    fewbit_machine_free(mac);
    return NULL;
}

int main(void) {
    fewbit_format *format = fewbit_format_new("e5m2");
    fewbit_policy *policy = fewbit_policy_new("ties-even,special");
    fewbit_accumulator *acc = fewbit_accumulator_new("int8-sat");
    int8_t b[4] = {1, -2, 3, 4};
    fewbit_matrix mb = {b, FEWBIT_TYPE_I8, 2, 2, 2, 1};
    fewbit_packed *packed = fewbit_packed_new(&mb);
    struct shared shared = {format, policy, acc, packed};
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){&shared, i, 14695981039346656037ull, 0};
        failures += pthread_create(&threads[i], NULL, run, &jobs[i]) != 0;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += jobs[i].failures + (jobs[i].hash != jobs[0].hash);
    }
    fewbit_packed_free(packed);
    fewbit_accumulator_free(acc);
    fewbit_policy_free(policy);
    fewbit_format_free(format);
    printf("%d failures\n", failures);
    return failures != 0;
}
