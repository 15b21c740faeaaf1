/*
 * readers - the functions that the rows of APP_READERS name; app.h says what they do.
 */
#ifndef TSUJIBAN_AGENT_APPS_READERS_H
#define TSUJIBAN_AGENT_APPS_READERS_H

#include "agent/apps/app.h"

bool app_python_matches(struct slice path, mode_t mode);
int app_python_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

bool app_node_matches(struct slice path, mode_t mode);
int app_node_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

bool app_ruby_matches(struct slice path, mode_t mode);
int app_ruby_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

bool app_composer_matches(struct slice path, mode_t mode);
int app_composer_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

bool app_wordpress_matches(struct slice path, mode_t mode);
int app_wordpress_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

bool app_java_matches(struct slice path, mode_t mode);
int app_java_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

/* Programs and shared libraries: Go, Rust, servers built by hand. */
bool app_elf_matches(struct slice path, mode_t mode);
int app_elf_read(const struct app_file *file, struct fact_list *out, struct reason *out_why);

#endif
