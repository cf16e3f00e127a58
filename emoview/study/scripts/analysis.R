# Fits the models of effects.csv again, from clips.csv in the folder of this file, and compares.
# Needs R with nlme, which comes with it:  Rscript analysis.R
# Writes effects-R.csv; the exit code is 1 if a number differs.

library(nlme)

words <- commandArgs(FALSE)
# Rscript writes blanks in the name of a folder as ~+~.
file <- gsub("~+~", " ", sub("^--file=", "", words[grep("^--file=", words)]), fixed = TRUE)
if (length(file) == 1) setwd(dirname(normalizePath(file)))

# A condition may be called NA.
table_of <- function(name, text) read.csv(name, na.strings = "", encoding = "UTF-8",
  colClasses = setNames(rep("character", length(text)), text))
clips <- table_of("clips.csv", c("clip", "participant", "condition"))
if (!file.exists("effects.csv")) quit(status = 0)
stored <- table_of("effects.csv", c("measure", "condition", "against"))
clips$condition <- factor(clips$condition, levels = unique(c(stored$against, clips$condition)))
clips$participant <- factor(clips$participant)

# Degrees of freedom of each condition against the first, after Pinheiro and Bates (2000): inner ones where
# half of the participants who saw one of the two saw both.  lme takes one such participant for enough.
degrees_of <- function(known) {
  seen <- table(known$participant, known$condition) > 0
  first <- seen[, 1]
  inner <- 2 * colSums(seen[, -1, drop = FALSE] & first) >= colSums(seen[, -1, drop = FALSE] | first)
  ifelse(inner, nrow(known) - nrow(seen) - sum(inner), nrow(seen) - 1 - sum(!inner))
}

# By default lme stops too early to agree where participants hardly vary, or clips of one of them.
control <- lmeControl(opt = "optim", tolerance = 1e-9, msTol = 1e-12, niterEM = 100, maxIter = 200,
                      msMaxIter = 500)
# Of the differences of the participants who saw both conditions.
paired_of <- function(known) {
  means <- tapply(known$value, list(known$participant, known$condition), mean)
  apply(means[, -1, drop = FALSE] - means[, 1], 2, function(all) {
    pairs <- all[!is.na(all)]
    if (length(pairs) > 1 && sd(pairs) > 1e-9 * max(abs(known$value))) t.test(pairs)$p.value else NA
  })
}

rows <- list()
failed <- character()
for (measure in unique(stored$measure)) {
  known <- droplevels(clips[!is.na(clips[[measure]]), c("participant", "condition", measure)])
  names(known)[3] <- "value"
  model <- tryCatch(
    lme(value ~ condition, random = ~ 1 | participant, data = known, method = "REML", control = control),
    error = function(reason) NULL)
  if (is.null(model)) {
    failed <- c(failed, measure)
    next
  }
  # Of degrees of its own, lme may find none; its warning is about these.
  table <- suppressWarnings(summary(model))$tTable[-1, , drop = FALSE]
  degrees <- degrees_of(known)
  kept <- degrees > 0
  error <- table[, "Std.Error"]
  reach <- qt(0.975, pmax(degrees, 1)) * error
  rows[[measure]] <- data.frame(
    measure = measure, condition = levels(clips$condition)[-1], effect = table[, "Value"],
    low = table[, "Value"] - reach, high = table[, "Value"] + reach, degrees = degrees,
    p = 2 * pt(-abs(table[, "Value"] / error), pmax(degrees, 1)), p_paired = paired_of(known))[kept, ]
}
if (length(failed)) cat("lme cannot fit:", paste(failed, collapse = ", "), "\n")
if (!length(rows)) quit(status = 1)
again <- do.call(rbind, rows)
again$p_holm <- p.adjust(again$p, "holm")
again$p_paired_holm <- p.adjust(again$p_paired, "holm")
write.csv(again, "effects-R.csv", row.names = FALSE)

both <- merge(again, stored, by = c("measure", "condition"), suffixes = c("", ".stored"))
differs <- function(name) {
  stored <- both[[paste0(name, ".stored")]]
  # Tables hold six digits.
  abs(both[[name]] - stored) > 1e-5 * (1 + abs(stored)) + 1e-3 * both$standard_error
}
off <- differs("effect") | differs("low") | differs("high")
off <- is.na(off) | off
for (name in c("p_paired", "p_paired_holm")) {
  mine <- both[[name]]
  stored_p <- as.numeric(both[[paste0(name, ".stored")]])
  off <- off | is.na(mine) != is.na(stored_p) | (!is.na(mine) & !is.na(stored_p) & abs(mine - stored_p) > 1e-3)
}
missing <- sum(!stored$measure %in% failed) - nrow(both)
cat("effects.csv:", nrow(both), "rows compared, different:", sum(off), "missing:", missing, "\n")
quit(status = as.integer(any(off) || missing > 0))
