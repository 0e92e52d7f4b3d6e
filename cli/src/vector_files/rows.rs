//! Rows with the class of each.

use std::borrow::Cow;

use fewbit::vectors::{VectorContent, VectorOp, VectorPlan, VectorTable};

/// A plan and its rows, or rows that should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) plan: VectorPlan,
    pub(crate) table: VectorTable,
    /// A name for every row, or none at all where a file has no room for them.
    pub(crate) classes: Vec<Cow<'static, str>>,
}

impl Rows {
    /// Rows with the classes that they have.
    pub(crate) fn new(plan: VectorPlan, table: VectorTable) -> Self {
        let classes = table.classes().iter().map(|class| Cow::Borrowed(class.name())).collect();
        Self { plan, table, classes }
    }

    /// What files of these rows are called, without ending.
    pub(super) fn stem(&self) -> &'static str {
        match self.plan.content {
            VectorContent::Trace => "trace",
            _ => "vectors",
        }
    }

    /// Whether every field has a file of its own where a line is a word.
    pub(super) fn is_split(&self) -> bool {
        is_split(&self.plan)
    }
}

/// As [`Rows::is_split`].
pub(super) fn is_split(plan: &VectorPlan) -> bool {
    plan.op() == VectorOp::Matmul && plan.content == VectorContent::Vectors
}
