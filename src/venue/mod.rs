//! The venues: everything that is particular to one exchange stays in its file.
