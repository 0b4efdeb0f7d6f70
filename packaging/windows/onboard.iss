; Inno Setup's recipe of the installer for Windows. packaging/build.py runs it and defines Version, Folder and Icon.
[Setup]
AppId={{6E0C2B0E-6C0B-4E7C-9A55-5C7D6F0C3B1E}
AppName=Onboard
AppVersion={#Version}
DefaultDirName={autopf}\Onboard
DefaultGroupName=Onboard
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesEnvironment=yes
Compression=lzma2
SolidCompression=yes
SetupIconFile={#Icon}
UninstallDisplayIcon={app}\onboard-gui.exe
WizardStyle=modern

[Files]
Source: "{#Folder}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs

[Icons]
Name: "{group}\Onboard"; Filename: "{app}\onboard-gui.exe"

[Run]
Filename: "{app}\onboard-gui.exe"; Description: "Start Onboard"; Flags: nowait postinstall skipifsilent
