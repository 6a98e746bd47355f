//! The cluster's own authority, and what it signs.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use crate::error::Error;
use crate::layout::Layout;

/// A signed certificate and its key, as PEM.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority that lives as long as the cluster.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// Makes an authority and writes its certificate and key below `pki/`.
    pub(crate) fn create(layout: &Layout) -> Result<Authority, Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "trimtab-cluster");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        write(layout, "pki/ca.crt", &certificate)?;
        write(layout, "pki/ca.key", &key.serialize_pem())?;
        Ok(Authority { issuer: Issuer::new(params, key), certificate })
    }

    /// The authority's own certificate, as PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// An identity with which a client speaks to a server: the common name is the user, the
    /// organization the group.
    pub(crate) fn client(&self, user: &str, group: Option<&str>) -> Result<Identity, Error> {
        self.sign(user, group, ExtendedKeyUsagePurpose::ClientAuth, Vec::new())
    }

    /// An identity with which a server answers at these names and addresses.
    pub(crate) fn server(&self, name: &str, names: &[&str], addresses: &[IpAddr]) -> Result<Identity, Error> {
        let mut subjects = Vec::new();
        for name in names {
            subjects.push(SanType::DnsName((*name).try_into()?));
        }
        subjects.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        self.sign(name, None, ExtendedKeyUsagePurpose::ServerAuth, subjects)
    }

    fn sign(
        &self,
        user: &str,
        group: Option<&str>,
        usage: ExtendedKeyUsagePurpose,
        subjects: Vec<SanType>,
    ) -> Result<Identity, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.subject_alt_names = subjects;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}

impl Identity {
    /// Writes `pki/<name>.crt` and `pki/<name>.key`.
    pub(crate) fn write(&self, layout: &Layout, name: &str) -> Result<(), Error> {
        write(layout, &format!("pki/{name}.crt"), &self.certificate)?;
        write(layout, &format!("pki/{name}.key"), &self.key)
    }
}

/// Makes the pair of keys that signs and checks service account tokens.
pub(crate) fn service_account_keys(layout: &Layout) -> Result<(), Error> {
    let key = KeyPair::generate()?;
    write(layout, "pki/sa.key", &key.serialize_pem())?;
    write(layout, "pki/sa.pub", &key.public_key_pem())
}

/// Writes a file below the run folder that only its owner reads.
pub(crate) fn write(layout: &Layout, relative: &str, content: &str) -> Result<(), Error> {
    let path = layout.join(relative);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::file(parent))?;
    }
    fs::write(&path, content).map_err(Error::file(&path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(Error::file(&path))
}
