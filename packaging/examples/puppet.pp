# Tsujiban's agent. A token for each host, out of Hiera (encrypted with eyaml) or of a function of yours that asks the collector:
# `tsujiban token create --format json`. It goes through the environment, so that no list of processes shows it; the agent
# starts as soon as the host is enrolled.
class tsujiban_agent (
  String $collector,
  String $ca_fingerprint,
  Sensitive[String] $token,
  String $package = '/srv/tsujiban-agent.deb',
) {
  package { 'tsujiban-agent':
    ensure   => installed,
    provider => dpkg,
    source   => $package,
  }

  exec { 'enrol this host':
    command     => '/usr/bin/tsujiban-agent enroll --if-needed',
    environment => [
      "TSUJIBAN_ENROLL_COLLECTOR=${collector}",
      "TSUJIBAN_ENROLL_CA_FINGERPRINT=${ca_fingerprint}",
      "TSUJIBAN_ENROLL_TOKEN=${token.unwrap}",
    ],
    creates     => '/var/lib/tsujiban-agent/agent.crt',
    require     => Package['tsujiban-agent'],
  }
}
