//! Words that every room uses: ids, time, the call, secrets, money, pages, faults and bounded pools.

pub mod fault;
