//! Pipe tables: writing rows of cells as the lines of a light-Markdown table.

use super::normalise::one_line;

/// Columns beyond this are left out: a sheet with ten thousand columns is not a table anybody reads.
const COLUMNS_MAX: usize = 64;

/// One cell of a grid as the office and PDF readers give it.
#[derive(Debug)]
pub(super) struct Cell {
    /// The grid column it starts in, from 0.
    pub(super) column: usize,
    /// Rows it reaches over, itself included.
    pub(super) row_span: usize,
    /// Its words.
    pub(super) text: String,
}

/// The rows of a grid. A cell that reaches over several rows stands in each of them, so that every row can be
/// read alone.
pub(super) fn spread(grid: Vec<Vec<Cell>>) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = vec![Vec::new(); grid.len()];
    for (index, cells) in grid.into_iter().enumerate() {
        for cell in cells.into_iter().filter(|cell| cell.column < COLUMNS_MAX) {
            for row in rows.iter_mut().skip(index).take(cell.row_span.max(1)) {
                if row.len() <= cell.column {
                    row.resize(cell.column + 1, String::new());
                }
                if let Some(slot) = row.get_mut(cell.column) {
                    slot.clone_from(&cell.text);
                }
            }
        }
    }
    rows
}

/// The lines of a pipe table with `rows`' first row as header. Rows without any text are left out; `None` when
/// nothing is left.
pub(super) fn render(rows: &[Vec<String>]) -> Option<String> {
    let cleaned: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().take(COLUMNS_MAX).map(|cell| cell_text(cell)).collect::<Vec<_>>())
        .filter(|row| row.iter().any(|cell| !cell.is_empty()))
        .collect();
    let columns = cleaned.iter().map(Vec::len).max().filter(|columns| *columns > 0)?;
    let mut lines = String::new();
    for (index, row) in cleaned.iter().enumerate() {
        if index > 0 {
            lines.push('\n');
        }
        push_row(&mut lines, row, columns);
        if index == 0 {
            lines.push_str("\n|");
            lines.push_str(&" --- |".repeat(columns));
        }
    }
    Some(lines)
}

fn push_row(lines: &mut String, row: &[String], columns: usize) {
    lines.push('|');
    for column in 0..columns {
        lines.push(' ');
        if let Some(cell) = row.get(column).filter(|cell| !cell.is_empty()) {
            lines.push_str(cell);
            lines.push(' ');
        }
        lines.push('|');
    }
}

fn cell_text(raw: &str) -> String {
    one_line(raw).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rows_are_filled_and_pipes_in_cells_are_escaped() {
        let rows =
            vec![vec!["Plan".to_owned(), "Price".to_owned()], vec!["a|b".to_owned()], vec![String::new()]];
        assert_eq!(render(&rows).unwrap(), "| Plan | Price |\n| --- | --- |\n| a\\|b | |");
    }

    #[test]
    fn a_table_without_text_is_none() {
        assert_eq!(render(&[vec![" ".to_owned()]]), None);
        assert_eq!(render(&[]), None);
    }
}
