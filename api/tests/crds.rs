//! The committed definitions are those of the types, and small enough for a plain `kubectl apply`.

use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;
use trimtab_api::schema::{crds, plain};

/// What `kubectl apply` may keep of an object in an annotation.
const MAX_BYTES: usize = 256 * 1024;

fn path(crd: &CustomResourceDefinition) -> PathBuf {
    let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crds").join(name)
}

fn value(crd: &CustomResourceDefinition) -> Value {
    plain(serde_json::to_value(crd).unwrap())
}

#[test]
fn definitions_are_those_of_the_types() {
    for crd in crds().unwrap() {
        let header = "# Generated from api/src: UPDATE_CRDS=1 cargo test -p trimtab-api --test crds\n";
        let yaml = format!("{header}{}", serde_saphyr::to_string(&value(&crd)).unwrap());
        let path = path(&crd);
        if std::env::var_os("UPDATE_CRDS").is_some() {
            std::fs::write(&path, &yaml).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == yaml, "{} is not what the types say: run this test with UPDATE_CRDS=1", path.display());
    }
}

#[test]
fn definitions_read_back_as_they_were() {
    for crd in crds().unwrap() {
        let committed = std::fs::read_to_string(path(&crd)).unwrap();
        let read: Value = serde_saphyr::from_str(&committed).unwrap();
        assert_eq!(read, value(&crd));
    }
}

#[test]
fn definitions_are_small() {
    for crd in crds().unwrap() {
        let json = serde_json::to_string(&value(&crd)).unwrap().len();
        let yaml = std::fs::read_to_string(path(&crd)).unwrap().len();
        println!("{}: {json} bytes of JSON, {yaml} of YAML", crd.spec.names.plural);
        assert!(json < MAX_BYTES && yaml < MAX_BYTES, "{}: {json} bytes of JSON, {yaml} of YAML", crd.spec.names.plural);
    }
}
