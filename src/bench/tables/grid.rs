//! A table, for a terminal and for Markdown.

/// Cells below a head. The first `left` columns hold names and stand to the left, the others figures.
pub(crate) struct Grid {
    /// Columns of names.
    pub left: usize,
    /// Names of all columns.
    pub head: Vec<String>,
    /// As many cells each as the head has.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// In columns of equal width.
    pub fn text(&self) -> String {
        let lines: Vec<&Vec<String>> = std::iter::once(&self.head).chain(&self.rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let cell = |(column, (cell, &width)): (usize, (&String, &usize))| {
                if column < self.left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            };
            let cells: Vec<String> = cells.iter().zip(&widths).enumerate().map(cell).collect();
            cells.join("  ").trim_end().to_owned() + "\n"
        };
        lines.into_iter().map(line).collect()
    }

    /// As Markdown has it.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<String> =
            (0..self.head.len()).map(|column| if column < self.left { "---" } else { "---:" }.to_owned()).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.head) + &line(&rule) + &rows
    }
}
