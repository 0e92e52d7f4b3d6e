//! The digests of several codecs of one format at a time.

use fewbit::convert::{ConvertError, Encoder, every_f32};
use sha2::{Digest, Sha256};

use super::line::{DigestLine, DigestRule};

/// Codecs whose codes have been the same so far, and the digest so far.
struct Alike {
    hasher: Sha256,
    /// Indices of the codecs.
    members: Vec<usize>,
    /// The first member's codes of this piece.
    codes: Vec<u8>,
}

/// The digest of each codec; all have one format. `step` is called after every piece.
///
/// 1. Each piece of inputs is encoded by every codec.
/// 2. Codecs that gave the same codes in all pieces before are alike; one that differs in this piece begins a list of its
///    own, with the digest that it had in common with the others.
/// 3. Codes of alike codecs are hashed once.
///
/// # Errors
/// A value that a codec refuses.
pub(crate) fn digests(
    rules: &[DigestRule],
    step: impl Fn(),
) -> Result<Vec<DigestLine>, ConvertError> {
    let encoders: Vec<Encoder> =
        rules.iter().map(|rule| Encoder::new(rule.format, rule.policy())).collect();
    let all = Alike { hasher: Sha256::new(), members: (0..rules.len()).collect(), codes: vec![] };
    let (mut before, mut now) = (vec![all], Vec::<(usize, Alike)>::new());
    every_f32(&encoders, |index, codes| {
        let old = before.iter().position(|alike| alike.members.contains(&index));
        // Every codec is somewhere: the lists are only ever cut.
        let Some(old) = old else { return };
        match now.iter_mut().find(|(of, alike)| *of == old && alike.codes == codes) {
            Some((_, alike)) => alike.members.push(index),
            None => {
                let hasher = before[old].hasher.clone();
                now.push((old, Alike { hasher, members: vec![index], codes: codes.to_vec() }));
            }
        }
        if index + 1 == rules.len() {
            before = now.drain(..).map(|(_, alike)| alike.hashed()).collect();
            step();
        }
    })?;
    let mut lines = Vec::with_capacity(rules.len());
    for alike in before {
        let sha256 = format!("{:x}", alike.hasher.finalize());
        let of =
            |&index: &usize| (index, DigestLine { rule: rules[index], sha256: sha256.clone() });
        lines.extend(alike.members.iter().map(of));
    }
    lines.sort_by_key(|(index, _)| *index);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

impl Alike {
    /// With the codes of this piece taken in.
    fn hashed(mut self) -> Self {
        self.hasher.update(&self.codes);
        self
    }
}
