//! What is done with a running cluster: `kubectl`, tokens, images and volumes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::image::Image;
use crate::{kubeconfig, run};

impl Cluster {
    /// A `kubectl` of the administrator's, to be given arguments.
    pub fn kubectl_command(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        // The one executable has to be told what to be, and the real kubectl is nothing else.
        command.args(self.own_kubectl.then_some("kubectl")).arg("--kubeconfig").arg(&self.kubeconfig);
        // What it remembers belongs to this cluster, and what the user prefers does not concern it.
        command.env("KUBECACHEDIR", self.folder.join("kubectl")).env("KUBERC", "off");
        command
    }

    /// Runs `kubectl` with these arguments and returns what it wrote.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, Error> {
        run::output(self.kubectl_command().args(arguments))
    }

    /// Applies manifests on the server's side.
    pub fn apply(&self, manifests: &str) -> Result<String, Error> {
        let mut command = self.kubectl_command();
        command.args(["apply", "--server-side", "--force-conflicts", "--filename", "-"]);
        run::output_of(&mut command, Some(manifests))
    }

    /// A kubeconfig for a service account that exists, with a token that is good for a day.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf, Error> {
        let token = self.kubectl(&["create", "token", name, "--namespace", namespace, "--duration", "24h"])?;
        let current = self.kubectl(&["config", "view", "--raw", "--minify", "--flatten", "--output", "json"])?;
        let path = self.folder.join(format!("{namespace}.{name}.kubeconfig"));
        let text = kubeconfig::with_token(&current, token.trim(), namespace)?;
        fs::write(&path, text).map_err(Error::file(&path))?;
        Ok(path)
    }

    /// Puts an image on the node. It is there under its full name; pull policy `Never` or `IfNotPresent`.
    pub fn import_image(&self, image: &Image) -> Result<(), Error> {
        let own = self.needs_own("importing an image")?;
        let file = own.layout.join(&format!("image-{}.tar", image.name.replace(['/', ':'], "-")));
        image.write(&file)?;
        let imported = self.import_archive(&file);
        fs::remove_file(&file).map_err(Error::file(&file))?;
        imported
    }

    /// Puts the images of an archive on the node: an OCI layout, or what `docker save` writes.
    pub fn import_archive(&self, archive: &Path) -> Result<(), Error> {
        let own = self.needs_own("importing images")?;
        let mut command = Command::new("ctr");
        command.arg("--address").arg(own.layout.containerd_socket());
        command.args(["--namespace", "k8s.io", "images", "import"]).arg(archive);
        run::output(&mut command).map(|_| ())
    }

    /// Makes a volume that many pods can write, in a folder of the run's, and a claim bound to it.
    /// Returns the folder.
    pub fn persistent_volume(&self, name: &str, namespace: &str, claim: &str) -> Result<PathBuf, Error> {
        let own = self.needs_own("a volume in a folder")?;
        let folder = own.layout.join(&format!("volumes/{name}"));
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        // Such a volume ignores a pod's fsGroup, so everybody may write.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).map_err(Error::file(&folder))?;
        let access = json!(["ReadWriteMany"]);
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
                "spec": {
                    "capacity": {"storage": "10Gi"},
                    "accessModes": access,
                    "hostPath": {"path": folder, "type": "Directory"},
                    "claimRef": {"namespace": namespace, "name": claim},
                    "storageClassName": "",
                    "persistentVolumeReclaimPolicy": "Retain",
                },
            },
            {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim, "namespace": namespace},
                "spec": {
                    "accessModes": access,
                    "resources": {"requests": {"storage": "10Gi"}},
                    "storageClassName": "",
                    "volumeName": name,
                },
            },
        ]});
        self.apply(&list.to_string())?;
        if !own.options.api_only {
            let claim = format!("persistentvolumeclaim/{claim}");
            self.kubectl(&["wait", "--namespace", namespace, "--for=jsonpath={.status.phase}=Bound", &claim])?;
        }
        Ok(folder)
    }
}
