#include "agent/host/host_virtual.h"

#include <ctype.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "agent/source/hostfile.h"
#include "agent/source/root.h"
#include "common/base/text.h"

#define ENVIRON_BYTES_MAX (64u << 10)
#define NAME_BYTES_MAX    64

/* Whether a field of the firmware begins with a text, and what follows from that. */
struct dmi_sign {
	enum host_dmi_field field;
	const char *begins;
	const char *means;
};

static const char *meaning_of(
        const struct dmi_sign *signs, size_t count, const struct host_dmi *dmi)
{
	for (size_t i = 0; i < count; i++)
		if (slice_starts_with(dmi->field[signs[i].field], slice_text(signs[i].begins)))
			return signs[i].means;
	return NULL;
}

/* --- virtual machines ------------------------------------------------------------------------- */

/* A cloud's name stands for its hypervisor only where there is one: it has whole machines too. */
static const struct dmi_sign MACHINES[] = {
        {DMI_PRODUCT_NAME, "KVM", "kvm"},
        {DMI_PRODUCT_NAME, "OpenStack", "kvm"},
        {DMI_SYS_VENDOR, "QEMU", "kvm"},
        {DMI_SYS_VENDOR, "VMware", "vmware"},
        {DMI_BIOS_VENDOR, "VMW", "vmware"},
        {DMI_SYS_VENDOR, "innotek GmbH", "virtualbox"},
        {DMI_PRODUCT_NAME, "VirtualBox", "virtualbox"},
        {DMI_SYS_VENDOR, "Xen", "xen"},
        {DMI_BIOS_VENDOR, "Xen", "xen"},
        {DMI_BIOS_VENDOR, "Bochs", "bochs"},
        {DMI_SYS_VENDOR, "Parallels", "parallels"},
        {DMI_SYS_VENDOR, "BHYVE", "bhyve"},
        {DMI_BIOS_VENDOR, "BHYVE", "bhyve"},
        {DMI_SYS_VENDOR, "Apple Virtualization", "apple"},
        {DMI_PRODUCT_NAME, "Apple Virtualization", "apple"},
        {DMI_PRODUCT_NAME, "Virtual Machine", "hyperv"},
};
static const struct dmi_sign HOSTED[] = {
        {DMI_SYS_VENDOR, "Amazon EC2", "kvm"},
        {DMI_SYS_VENDOR, "Google", "kvm"},
        {DMI_SYS_VENDOR, "Hetzner", "kvm"},
        {DMI_SYS_VENDOR, "DigitalOcean", "kvm"},
        {DMI_SYS_VENDOR, "Alibaba Cloud", "kvm"},
        {DMI_SYS_VENDOR, "Vultr", "kvm"},
        {DMI_SYS_VENDOR, "Scaleway", "kvm"},
        {DMI_SYS_VENDOR, "UpCloud", "kvm"},
        {DMI_SYS_VENDOR, "Linode", "kvm"},
        {DMI_SYS_VENDOR, "Akamai", "kvm"},
};

/* The line of /proc/cpuinfo that begins with `name`; empty: none. */
static struct slice cpuinfo_value(struct slice cpuinfo, const char *name)
{
	struct slice line, head, tail;
	while (text_take_line(&cpuinfo, &line))
		if (text_split(line, ':', &head, &tail) && slice_is(text_trim(head), name))
			return text_trim(tail);
	return (struct slice){0};
}

static bool has_word(struct slice words, const char *word)
{
	struct slice head;
	while (text_split(words, ' ', &head, &words))
		if (slice_is(head, word))
			return true;
	return slice_is(words, word);
}

/* Leaf 0x40000000 has the hypervisor's own mark: Linux, arch/x86/include/asm, cpuid_base users. */
static const char *ask_processor(void)
{
#if defined(__x86_64__) || defined(__i386__)
	static const struct {
		const char *mark, *means;
	} MARKS[] = {{"KVMKVMKVM", "kvm"}, {"Linux KVM Hv", "kvm"}, {"TCGTCGTCGTCG", "qemu"},
	        {"VMwareVMware", "vmware"}, {"XenVMMXenVMM", "xen"}, {"Microsoft Hv", "hyperv"},
	        {"bhyve bhyve ", "bhyve"}, {"VBoxVBoxVBox", "virtualbox"},
	        {" lrpepyh  vr", "parallels"}};
	unsigned eax = 0, mark[3] = {0};
	char text[sizeof(mark) + 1] = "";
	__cpuid(0x40000000u, eax, mark[0], mark[1], mark[2]);
	memcpy(text, mark, sizeof(mark));
	for (size_t i = 0; i < sizeof(MARKS) / sizeof(MARKS[0]); i++)
		if (strcmp(text, MARKS[i].mark) == 0)
			return MARKS[i].means;
#endif
	return "other";
}

/* The domain that governs the others has the machine itself. */
static const char *xen_of(const char *root)
{
	struct buf text = BUF_INIT;
	struct slice capabilities = hostfile_value(root, "/proc/xen/capabilities", &text);
	bool governs = capabilities.len > 0 &&
	               memmem(capabilities.ptr, capabilities.len, "control_d", strlen("control_d"));
	buf_fini(&text);
	return governs ? "none" : "xen";
}

static bool has_hypervisor_type(const char *root, const char *type)
{
	struct buf text = BUF_INIT;
	bool is_it = slice_is(hostfile_value(root, "/sys/hypervisor/type", &text), type);
	buf_fini(&text);
	return is_it;
}

static bool is_kvm_tree(const char *root)
{
	struct buf text = BUF_INIT;
	hostfile_read_bytes(root, "/proc/device-tree/hypervisor/compatible", 64, &text);
	bool is_it = slice_starts_with(buf_slice(&text), slice_text("linux,kvm"));
	buf_fini(&text);
	return is_it;
}

const char *host_virtualisation(const char *root, const struct host_dmi *dmi, struct slice cpuinfo)
{
	struct slice flags = cpuinfo_value(cpuinfo, "flags"); /* of x86 alone */
	bool is_guest = has_word(flags, "hypervisor");
	struct slice model = cpuinfo_value(cpuinfo, "model name");
	if (has_hypervisor_type(root, "xen"))
		return xen_of(root);
	const char *machine = meaning_of(MACHINES, sizeof(MACHINES) / sizeof(MACHINES[0]), dmi);
	if (!machine && (is_guest || flags.len == 0))
		machine = meaning_of(HOSTED, sizeof(HOSTED) / sizeof(HOSTED[0]), dmi);
	if (machine && strcmp(machine, "kvm") == 0 &&
	        slice_starts_with(model, slice_text("QEMU Virtual CPU")))
		return "qemu";
	if (machine)
		return machine;
	if (is_guest)
		return root_is_host(root) ? ask_processor() : "other";
	if (is_kvm_tree(root))
		return "kvm";
	return flags.len > 0 || dmi->field[DMI_SYS_VENDOR].len > 0 ? "none" : NULL;
}

/* --- containers ------------------------------------------------------------------------------- */

static bool is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum(text.ptr[i]) && !memchr("._-", text.ptr[i], 3))
			return false;
	return text.len > 0 && text.len <= NAME_BYTES_MAX;
}

static bool exists(const char *root, const char *path)
{
	struct stat info;
	return hostfile_stat(root, path, &info) == 0;
}

/* What a manager says to its PID 1: the variable "container" (systemd's container interface). */
static void add_environment(const char *root, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct slice rest, entry, name, value;
	int rc = hostfile_read_bytes(root, "/proc/1/environ", ENVIRON_BYTES_MAX, &text);
	rest = rc == 0 ? buf_slice(&text) : (struct slice){0};
	while (out->len == 0 && text_split(rest, '\0', &entry, &rest))
		if (text_split(entry, '=', &name, &value) && slice_is(name, "container") &&
		        is_word(value))
			buf_append_slice(out, value);
	buf_fini(&text);
}

static bool is_wsl(const char *root)
{
	struct buf text = BUF_INIT;
	struct slice release = hostfile_value(root, "/proc/sys/kernel/osrelease", &text);
	bool is_it = release.len > 0 && (memmem(release.ptr, release.len, "Microsoft", 9) ||
	                                        memmem(release.ptr, release.len, "WSL", 3));
	buf_fini(&text);
	return is_it;
}

void host_container(const char *root, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct slice said = hostfile_value(root, "/run/systemd/container", &text);
	buf_reset(out);
	if (is_word(said))
		buf_append_slice(out, said);
	buf_fini(&text);
	if (out->len == 0)
		add_environment(root, out);
	if (out->len > 0)
		return;
	if (exists(root, "/run/.containerenv"))
		buf_append_text(out, "podman");
	else if (exists(root, "/.dockerenv"))
		buf_append_text(out, "docker");
	else if (exists(root, "/proc/vz") && !exists(root, "/proc/bc"))
		buf_append_text(out, "openvz"); /* its host has both */
	else if (is_wsl(root))
		buf_append_text(out, "wsl");
}

/* --- clouds ----------------------------------------------------------------------------------- */

static const struct dmi_sign CLOUDS[] = {
        {DMI_SYS_VENDOR, "Amazon EC2", "aws"},
        {DMI_PRODUCT_NAME, "Google Compute Engine", "gce"},
        {DMI_CHASSIS_ASSET_TAG, "7783-7084-3265-9085-8269-3286-77", "azure"},
        {DMI_SYS_VENDOR, "Hetzner", "hetzner"},
        {DMI_SYS_VENDOR, "DigitalOcean", "digitalocean"},
        {DMI_SYS_VENDOR, "Vultr", "vultr"},
        {DMI_SYS_VENDOR, "Scaleway", "scaleway"},
        {DMI_SYS_VENDOR, "UpCloud", "upcloud"},
        {DMI_SYS_VENDOR, "Linode", "akamai"},
        {DMI_SYS_VENDOR, "Akamai", "akamai"},
        {DMI_SYS_VENDOR, "Alibaba Cloud", "aliyun"},
        {DMI_SYS_VENDOR, "Exoscale", "exoscale"},
        {DMI_PRODUCT_NAME, "Exoscale", "exoscale"},
        {DMI_SYS_VENDOR, "Tencent Cloud", "tencent"},
        {DMI_CHASSIS_ASSET_TAG, "OracleCloud.com", "oracle"},
        {DMI_CHASSIS_ASSET_TAG, "OpenTelekomCloud", "openstack"},
        {DMI_PRODUCT_NAME, "OpenStack", "openstack"},
};

/* Xen instances of Amazon's first ten years: the firmware's version is "4.11.amazon" or so. */
static bool is_old_amazon(const struct host_dmi *dmi)
{
	struct slice version = dmi->field[DMI_BIOS_VERSION];
	return version.len > 0 && memmem(version.ptr, version.len, "amazon", 6);
}

static bool is_cloud(struct slice id)
{
	/* cloud-init's words for a seed that lies on the machine itself, and for none. */
	return is_word(id) && !slice_is(id, "none") && !slice_is(id, "nocloud") &&
	       !slice_is(id, "unknown");
}

/* The field of the firmware in which some clouds put the instance's number, for hosts without
 * cloud-init. */
static struct slice firmware_id(const struct host_dmi *dmi, struct slice cloud)
{
	if (slice_is(cloud, "aws"))
		return dmi->field[DMI_BOARD_ASSET_TAG];
	if (slice_is(cloud, "hetzner") || slice_is(cloud, "digitalocean") ||
	        slice_is(cloud, "vultr"))
		return dmi->field[DMI_PRODUCT_SERIAL];
	if (slice_is(cloud, "azure") || slice_is(cloud, "openstack"))
		return dmi->field[DMI_PRODUCT_UUID];
	return (struct slice){0};
}

static void add_lower(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		buf_append_byte(out, (uint8_t)tolower(text.ptr[i]));
}

void host_cloud(
        const char *root, const struct host_dmi *dmi, struct buf *out_cloud, struct buf *out_id)
{
	struct buf text = BUF_INIT;
	const char *cloud = meaning_of(CLOUDS, sizeof(CLOUDS) / sizeof(CLOUDS[0]), dmi);
	buf_reset(out_cloud);
	buf_reset(out_id);
	if (!cloud && is_old_amazon(dmi))
		cloud = "aws";
	struct slice said = hostfile_value(root, "/run/cloud-init/cloud-id", &text);
	if (cloud)
		buf_append_text(out_cloud, cloud);
	else if (is_cloud(said))
		buf_append_slice(out_cloud, said);
	/* A seed on the machine itself makes its ids up: "iid-datasource-none", "nocloud". */
	said = hostfile_value(root, "/var/lib/cloud/data/instance-id", &text);
	if (is_cloud(said) && !slice_starts_with(said, slice_text("iid-datasource")))
		buf_append_slice(out_id, said);
	else if (is_word(firmware_id(dmi, buf_slice(out_cloud))))
		add_lower(firmware_id(dmi, buf_slice(out_cloud)), out_id);
	buf_fini(&text);
}
