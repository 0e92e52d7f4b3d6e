// libfewbit in SystemVerilog: number formats, accumulators and machines, bit for bit, through DPI-C.
//
//     > sv=$(pkg-config --variable=svdir fewbit)
//     > verilator --binary --timing -I$sv $sv/fewbit_pkg.sv tb.sv -LDFLAGS "$(pkg-config --libs fewbit)"
//
// Other simulators load the same libfewbit.so (-sv_lib libfewbit).
`ifndef FEWBIT_PKG_SV
`define FEWBIT_PKG_SV
// Several classes per file, values that are there for their users, and constructors whose arguments have the names of what they set.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off VARHIDDEN */
/* verilator lint_off UNUSEDSIGNAL */
package fewbit_pkg;
    // The binary interface that this text was written for; fewbit_start() compares.
    localparam int unsigned FEWBIT_ABI = 1;

`include "fewbit_imports.svh"
`include "fewbit_names.svh"
`include "fewbit_handles.svh"
`include "fewbit_scoreboard.svh"
`include "fewbit_stimulus.svh"

    // Ends where the library that was linked is another than this text is for.
    function automatic void fewbit_start();
        if (fewbit_abi_version() != FEWBIT_ABI) begin
            $display("libfewbit %s has interface %0d, fewbit_pkg is for %0d", fewbit_version(), fewbit_abi_version(), FEWBIT_ABI);
            fewbit_end(2);
        end
    endfunction
endpackage
/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on VARHIDDEN */
/* verilator lint_on DECLFILENAME */
`endif
