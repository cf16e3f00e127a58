# Fits the models of effects.csv again, from clips.csv in the folder of this file, and compares.
# Needs R with nlme, which comes with it:  Rscript analysis.R
# Writes effects-R.csv; the exit code is 1 if a number differs.

library(nlme)

words <- commandArgs(FALSE)
file <- sub("^--file=", "", words[grep("^--file=", words)])
if (length(file) == 1) setwd(dirname(normalizePath(file)))

clips <- read.csv("clips.csv", colClasses = c(clip = "character", participant = "character",
                                              condition = "character"))
if (!file.exists("effects.csv")) quit(status = 0)
stored <- read.csv("effects.csv", colClasses = c(condition = "character", against = "character"))
clips$condition <- factor(clips$condition, levels = unique(clips$condition))
clips$participant <- factor(clips$participant)

rows <- list()
for (measure in unique(stored$measure)) {
  known <- droplevels(clips[!is.na(clips[[measure]]), c("participant", "condition", measure)])
  names(known)[3] <- "value"
  model <- lme(value ~ condition, random = ~ 1 | participant, data = known, method = "REML",
               control = lmeControl(opt = "optim"))
  table <- summary(model)$tTable[-1, , drop = FALSE]
  reach <- qt(0.975, table[, "DF"]) * table[, "Std.Error"]
  rows[[measure]] <- data.frame(
    measure = measure, condition = levels(clips$condition)[-1], effect = table[, "Value"],
    low = table[, "Value"] - reach, high = table[, "Value"] + reach, degrees = table[, "DF"],
    p = table[, "p-value"])
}
again <- do.call(rbind, rows)
again$p_holm <- p.adjust(again$p, "holm")
write.csv(again, "effects-R.csv", row.names = FALSE)

both <- merge(again, stored, by = c("measure", "condition"), suffixes = c("", ".stored"))
differs <- function(name) {
  stored <- both[[paste0(name, ".stored")]]
  abs(both[[name]] - stored) > 1e-5 + 1e-3 * abs(both$effect.stored)
}
off <- differs("effect") | differs("low") | differs("high")
cat("effects.csv:", nrow(both), "rows compared, different:", sum(off), "\n")
quit(status = as.integer(any(off)))
