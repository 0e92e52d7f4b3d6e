//! The dot product of pairs of bf16 that AVX-512 has: run by tests, beside the unit of its name.

/// Products of 32 bf16, codes `a` and `b`, added in pairs to 16 `f32`: one `vdpbf16ps`. `None` where this CPU lacks it.
#[doc(hidden)]
#[must_use]
pub fn vdpbf16ps(c: &[f32; 16], a: &[u16; 32], b: &[u16; 32]) -> Option<[f32; 16]> {
    #[cfg(target_arch = "x86_64")]
    {
        let detected = std::arch::is_x86_feature_detected!("avx512bf16")
            && std::arch::is_x86_feature_detected!("avx512f");
        // SAFETY: the CPU has both features.
        detected.then(|| unsafe { x86::vdpbf16ps(*c, *a, *b) })
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (c, a, b);
        None
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m512, __m512bh, _mm512_dpbf16_ps};
    use std::mem::transmute;

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn vdpbf16ps(c: [f32; 16], a: [u16; 32], b: [u16; 32]) -> [f32; 16] {
        // SAFETY: both are 16 numbers of 32 bits, any of whose bits are valid.
        let c = unsafe { transmute::<[f32; 16], __m512>(c) };
        // SAFETY: both are 32 numbers of 16 bits, any of whose bits are valid.
        let [a, b] = [a, b].map(|codes| unsafe { transmute::<[u16; 32], __m512bh>(codes) });
        // SAFETY: as for `c`.
        unsafe { transmute::<__m512, [f32; 16]>(_mm512_dpbf16_ps(c, a, b)) }
    }
}
