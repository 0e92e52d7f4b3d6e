//! The scalar reference equals an independent big-integer oracle in every value and every report field.

mod faulty;
mod oracle;
mod reference;
