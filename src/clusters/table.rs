//! Clusters as text for people and as a table.

use super::Clusters;
use crate::error::{Error, Result};

impl Clusters {
    /// A row for each cluster, then what is to be said of them.
    pub fn text(&self) -> String {
        let widest = self.classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0).max(5);
        let mut lines = vec![format!("{:<widest$}  cluster  pictures   share  half of its mean map and more", "class")];
        for class in &self.classes {
            for (number, cluster) in class.clusters.iter().enumerate() {
                let name = if number == 0 { &*class.class } else { "" };
                let looks = match (cluster.place, cluster.mass) {
                    (Some(place), Some(mass)) => format!("{:.0} % in {place}", 100.0 * mass),
                    _ => "in no corner and no border".into(),
                };
                let (number, share) = (number + 1, 100.0 * cluster.share);
                lines.push(format!("{name:<widest$}  {number:>7}  {:>8}  {share:>4.0} %  {looks}", cluster.pictures));
            }
            if class.blank > 0 {
                let name = if class.clusters.is_empty() { &*class.class } else { "" };
                lines.push(format!("{name:<widest$}    blank  {:>8}  {}", class.blank, self.causes(class.index)));
            }
        }
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        match &self.verdicts[..] {
            [] if !self.is_judged() => {}
            [] => lines.push("no class looks at a corner or border that the others do not look at".into()),
            all => lines.extend(all.iter().map(|verdict| verdict.text.clone())),
        }
        lines.join("\n")
    }

    /// Why maps of a class are blank, and how many each.
    fn causes(&self, class: usize) -> String {
        let mut causes: Vec<(&str, usize)> = Vec::new();
        for cause in
            self.members.iter().filter(|member| member.class == class).filter_map(|member| member.blank.as_deref())
        {
            match causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, count)) => *count += 1,
                None => causes.push((cause, 1)),
            }
        }
        causes.iter().map(|(cause, count)| format!("{cause} ({count})")).collect::<Vec<_>>().join(", ")
    }

    /// `clusters.csv`: `number,file,class,cluster,blank`, a row for each picture; clusters are counted from 1, and a picture without one
    /// says why.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::error::Error| Error::file("clusters.csv", e);
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["number", "file", "class", "cluster", "blank"]).map_err(|e| failed(&e))?;
        for member in &self.members {
            let of_class = self.classes.iter().find(|class| class.index == member.class);
            let cluster = member.cluster.map_or(String::new(), |cluster| (cluster + 1).to_string());
            let (class, blank) = (of_class.map_or("", |class| &class.class), member.blank.as_deref().unwrap_or(""));
            let row = [&member.number.to_string(), &*member.file, class, &cluster, blank];
            writer.write_record(row).map_err(|e| failed(&e))?;
        }
        writer.into_inner().map_err(|e| failed(e.error()))
    }
}
