// The model that Verilator makes of mac.sv, as C functions.
#include "Vmac.h"
#include "verilated.h"

extern "C" {

void *mac_new() { return new Vmac; }

void mac_free(void *model) {
    auto *mac = static_cast<Vmac *>(model);
    mac->final();
    delete mac;
}

// One clock cycle.
void mac_cycle(void *model, bool clear, int8_t a, uint8_t b, int16_t *sum, bool *overflow) {
    auto *mac = static_cast<Vmac *>(model);
    mac->clear = clear;
    mac->a = static_cast<uint8_t>(a);
    mac->b = b;
    mac->clk = 0;
    mac->eval();
    mac->clk = 1;
    mac->eval();
    *sum = static_cast<int16_t>(mac->sum);
    *overflow = mac->overflow;
}

}  // extern "C"

// Older versions of Verilator ask for the time where a design does not.
double sc_time_stamp() { return 0; }
