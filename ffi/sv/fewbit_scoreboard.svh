// Compares, counts, and keeps the first mismatches with what explains them.
//
//     sb = new("mac");
//     tie = sb.need("tie");                   // a corner class that must be hit
//     sb.hit(tie, a_tie_was_rounded);
//     if (!sb.check_code(bf16, got, want, $sformatf("cycle %0d", cycle))) sb.explain(machine.steps());
//     sb.finish();                            // the report; exit code 0 where it passed, else 1
class fewbit_scoreboard;
    string name;
    longint unsigned compared;
    longint unsigned mismatches;
    local int unsigned keep;
    local string kept[$];
    local bit open;  // whether the last mismatch is kept, so that explain() adds to it
    local string classes[$];
    local longint unsigned hits[$];

    // `keep`: how many mismatches are kept.
    function new(string name, int unsigned keep = 5);
        this.name = name;
        this.keep = keep;
        compared = 0;
        mismatches = 0;
        open = 1'b0;
    endfunction

    // A corner class that must be hit at least once; the result is its number.
    function int need(string corner);
        classes.push_back(corner);
        hits.push_back(0);
        return classes.size() - 1;
    endfunction

    // Counts a hit of the class where `happened`.
    function void hit(int corner, bit happened = 1'b1);
        if (happened) hits[corner] = hits[corner] + 1;
    endfunction

    // How often a class was hit.
    function longint unsigned hits_of(int corner);
        return hits[corner];
    endfunction

    // Counts a comparison; of one that differs, keeps the text.
    function bit check(bit equal, string text);
        compared = compared + 1;
        if (equal) return 1'b1;
        mismatches = mismatches + 1;
        open = kept.size() < keep;
        if (open) kept.push_back(text);
        return 1'b0;
    endfunction

    // Counts a comparison that is equal, without a text: the fast way where there is nothing to tell.
    function void agree();
        compared = compared + 1;
    endfunction

    // Two integers; `bits`: how many bits of them are shown in hexadecimal.
    function bit check_value(longint got, longint want, string where, int unsigned bits = 64);
        longint unsigned mask;
        if (got == want) begin
            agree();
            return 1'b1;
        end
        mask = ~64'd0 >> (64 - bits);
        return check(1'b0, $sformatf("%s: expected %0d (0x%0h), got %0d (0x%0h), %0d apart", where, want, want & mask, got,
                                     got & mask, got > want ? got - want : want - got));
    endfunction

    // Two codes of a format, and the flags beside them where both are given.
    function bit check_code(fewbit_format format, longint unsigned got, longint unsigned want, string where,
                            int unsigned got_flags = 0, int unsigned want_flags = 0);
        longint apart;
        string text;
        if (got == want && got_flags == want_flags) begin
            agree();
            return 1'b1;
        end
        apart = format.place(got) - format.place(want);
        text = $sformatf("%s: expected %s, got %s, %0d ulp apart", where, format.show(want), format.show(got),
                         apart < 0 ? -apart : apart);
        if (got_flags != want_flags)
            text = {text, "; flags: expected ", flags_str(want_flags), ", got ", flags_str(got_flags)};
        else text = {text, "; flags ", flags_str(want_flags)};
        return check(1'b0, text);
    endfunction

    // More about the mismatch that was just found; lines are indented under it.
    function void explain(string text);
        int last;
        if (!open || text == "") return;
        last = kept.size() - 1;
        kept[last] = {kept[last], "\n", text};
    endfunction

    // Whether a mismatch that comes now would be kept: what is costly to tell can wait for it.
    function bit wants_more();
        return kept.size() < keep;
    endfunction

    // Something was compared, nothing differed, and every class was hit.
    function bit passed();
        return compared != 0 && mismatches == 0 && missed() == 0;
    endfunction

    // Classes that were never hit.
    function int missed();
        int count;
        count = 0;
        foreach (hits[i]) if (hits[i] == 0) count = count + 1;
        return count;
    endfunction

    // Prints classes, mismatches and, in the last line, the counts.
    function void report();
        foreach (classes[i])
            if (hits[i] == 0) $display("  0 x %s  <- never hit", classes[i]);
            else $display("  %0d x %s", hits[i], classes[i]);
        foreach (kept[i]) begin
            $display("mismatch %0d: %s", i + 1, indented(kept[i]));
        end
        if (mismatches > 64'(kept.size())) $display("(%0d more mismatches)", mismatches - 64'(kept.size()));
        if (compared == 0) $display("nothing was compared");
        $display("%s: %0d vectors compared, %0d mismatches, %0d of %0d classes hit", name, compared, mismatches,
                 classes.size() - missed(), classes.size());
    endfunction

    // Reports and ends the simulation: exit code 0 where it passed, else 1.
    function void finish();
        report();
        fewbit_end(passed() ? 0 : 1);
    endfunction

    // Every line but the first moved to the right; no empty line at the end.
    local function string indented(string text);
        string out;
        int from;
        out = "";
        from = 0;
        for (int i = 0; i < text.len(); i++)
            if (text.getc(i) == 8'h0a) begin
                if (i + 1 < text.len()) out = {out, text.substr(from, i), "    "};
                else out = {out, i > from ? text.substr(from, i - 1) : ""};
                from = i + 1;
            end
        if (from < text.len()) out = {out, text.substr(from, text.len() - 1)};
        return out;
    endfunction
endclass
